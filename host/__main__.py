"""Where `bin/stardust` enters Python: makes `host` importable and hands over to the command line."""

import _signal      # not signal, which takes long to import: until the command line has its handler, SIGINT shall just end us

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import os  # noqa: E402
import sys  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

# Byte code belongs in the user's cache, not in the source tree (which may be read-only, as it is in `host shell`).
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = os.path.join(CACHE, "stardust", "pycache")
sys.path[0] = ROOT

if sys.version_info < (3, 11):
    print("stardust: this is Python %d.%d, and 3.11 or newer is needed" % sys.version_info[:2], file=sys.stderr)
    sys.exit(125)

from host.cli import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1:])
