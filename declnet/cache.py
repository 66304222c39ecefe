"""The folder for files that declnet can regenerate: compiled code, the index of runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder `DECLNET_CACHE_DIR`, else declnet's in the user's cache folder.

    It may not exist, or be read-only: whatever uses it also works without.
    """
    if folder := os.environ.get("DECLNET_CACHE_DIR"):
        return Path(folder)
    import platformdirs

    return platformdirs.user_cache_path("declnet", appauthor=False)
