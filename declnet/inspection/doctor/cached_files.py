"""The cache: its folder, size and owner, and the deletion of what declnet has written there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from declnet import OutputError, cache_folder, private_cache_folder

CACHED = re.compile(r"\w+-[0-9a-f]{32}\.o|runs-[\w.+]+-\d+-[0-9a-f]{32}\.json")
"""Names of cached files: compiled code, and the index of runs. A folder that DECLNET_CACHE_DIR
names may hold other files too, which are not touched."""

UNPACKED = re.compile(r"[0-9a-f]{64}")
"""Names of the folders of unpacked packs in the folder `packs`: the SHA-256 of each."""


@dataclass(frozen=True)
class Cache:
    """The folder for files that declnet can regenerate.

    Attributes:
        exists: whether the folder exists.
        files: how many files declnet has cached.
        bytes: their size.
        owner: the user who owns the folder, where the system has such owners.
        problem: why the folder is not used.
    """

    folder: str
    exists: bool
    files: int
    bytes: int
    owner: str | None
    problem: str | None


def find_cache() -> Cache:
    """Describe the cache."""
    folder, problem, owner = cache_folder(), None, None
    with suppress(OSError, KeyError, NotImplementedError):  # missing; no name; on Windows
        owner = folder.owner()
    try:
        private_cache_folder()
    except FileNotFoundError:
        pass  # nothing has been cached yet
    except OSError as error:
        problem = str(error)
    files = [*_cached_files(folder)]
    size = sum(size for _, size in files)
    return Cache(str(folder), folder.is_dir(), len(files), size, owner, problem)


def delete_cached() -> tuple[int, int]:
    """Delete the cached files, except those that another process holds; return number and bytes.

    Raises:
        OutputError: another user can change the folder.
    """
    try:
        folder = private_cache_folder()
    except FileNotFoundError:
        return 0, 0
    except OSError as error:
        raise OutputError(f"the cache is not cleaned: {error}") from None
    deleted = size = 0
    for file, bytes_ in _cached_files(folder):
        with suppress(OSError):
            file.unlink()
            deleted, size = deleted + 1, size + bytes_
    for pack in _unpacked(folder):
        shutil.rmtree(pack, ignore_errors=True)
    return deleted, size


def _cached_files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the cached files of a folder with their sizes; nothing if it cannot be read."""
    with suppress(OSError):
        of_packs = (file for pack in _unpacked(folder) for file in sorted(pack.rglob("*")))
        named = (file for file in sorted(folder.iterdir()) if CACHED.fullmatch(file.name))
        for file in chain(named, of_packs):
            if file.is_file() and not file.is_symlink():
                yield file, file.stat().st_size


def _unpacked(folder: Path) -> list[Path]:
    """Return the folders of unpacked packs; none if they cannot be read, or are elsewhere."""
    packs = folder / "packs"
    try:
        folders = [] if packs.is_symlink() else sorted(packs.iterdir())
    except OSError:
        return []
    return [pack for pack in folders if UNPACKED.fullmatch(pack.name) and not pack.is_symlink()]
