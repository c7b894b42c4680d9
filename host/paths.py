"""Where things are: the source tree, what the build leaves behind, and the cache."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = ROOT / "host"
BUILD = ROOT / "build"
APPS = ROOT / "apps"


def cache() -> Path:
    """The user's cache directory for this project, created on first use."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(base) / "stardust"
    path.mkdir(parents=True, exist_ok=True)
    return path
