"""The user's command and the Xen host it runs guests on. host/README.md is the way in."""
