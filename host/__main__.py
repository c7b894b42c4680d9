"""What `bin/stardust` imports: hands over to the command line."""

import os
import sys

CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

# Byte code belongs in the user's cache, not in the source tree (which may be read-only, as it is in `host shell`).
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = os.path.join(CACHE, "stardust", "pycache")

if sys.version_info < (3, 11):
    print("stardust: this is Python %d.%d, and 3.11 or newer is needed" % sys.version_info[:2], file=sys.stderr)
    sys.exit(125)

from host.cli import main  # noqa: E402

main(sys.argv[1:])
