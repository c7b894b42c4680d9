"""Where `bin/stardust` enters Python: makes `host` importable and hands over to the command line."""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)    # until the command line has its own handler: no traceback

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

# Byte code belongs in the user's cache, not in the source tree (which may be read-only, as it is in `host shell`).
sys.pycache_prefix = os.path.join(CACHE, "stardust", "pycache")
sys.path[0] = ROOT

if sys.version_info < (3, 11):
    sys.exit("stardust: Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2])

from host.cli import main  # noqa: E402  (the two lines above must come first)

if __name__ == "__main__":
    main(sys.argv[1:])
