"""Where to keep what can be fetched or found out again."""

import os
from pathlib import Path

import platformdirs


def cache_path() -> Path:
    """Give the folder of everything that can be fetched or found out again: ``SHADOWPRICE_CACHE``, or the user's."""
    root = os.environ.get("SHADOWPRICE_CACHE")
    return Path(root).expanduser() if root else platformdirs.user_cache_path("shadowprice")
