"""The index of runs: what an earlier command read, so that only changed runs are read again.

It is a cache: an entry counts only while the files it was read from have the same times, sizes and
inodes, and every command gives the same output without it. It may be deleted at any time.

An entry whose file changed in the last two seconds is not stored, since another write could leave
the same times.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from declnet import __version__
from declnet.cache import cache_folder, open_private, private_cache_folder
from declnet.runs.storage import folder
from declnet.runs.storage.writing import write_atomically

FILES = (folder.MANIFEST, folder.METRICS, folder.SPEC, folder.HISTORY)
"""The files of a run that an entry is read from."""

SETTLED = 2_000_000_000
"""Nanoseconds after which another write changes a file's times, on any file system."""

FORMAT = 3


class Entry(NamedTuple):
    """The indexed values of a run.

    Attributes:
        stamp: what `stamp_of` returned before the run was read.
        facts: values that JSON can hold.
    """

    stamp: str
    facts: list[Any]


def index_file(root: Path) -> Path:
    """Return the file of the index of a folder for this version of declnet."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
    return cache_folder() / f"runs-{__version__}-{FORMAT}-{digest}.json"


def stamp_of(directory: str, manifest: os.stat_result) -> str | None:
    """Return what changes whenever a file of a run does; None if one changed just now.

    Args:
        directory: the run's folder.
        manifest: the status of its manifest.
    """
    times, files = [manifest.st_mtime_ns, manifest.st_ctime_ns], [manifest]
    for name in FILES[1:]:
        try:
            files.append(os.stat(f"{directory}/{name}"))  # noqa: PTH116  # paths are slow
        except FileNotFoundError:
            times.append(0)
        except OSError:  # reading it says why
            return None
        else:
            times += [files[-1].st_mtime_ns, files[-1].st_ctime_ns]
    if max(times) > time.time_ns() - SETTLED:
        return None
    return str([*times, *(part for file in files for part in (file.st_size, file.st_ino))])


def indexed(root: Path) -> dict[str, Entry]:
    """Return the entries of the runs below a folder by path; empty if they cannot be read."""
    try:
        with open_private(private_cache_folder() / index_file(root).name) as file:
            checksum, _, content = file.read().partition(b"\n")
        if int(checksum) != zlib.crc32(content):
            return {}
        return {name: Entry(*entry) for name, entry in json.loads(content)}
    except (OSError, ValueError):
        return {}


def write_index(root: Path, entries: Mapping[str, Entry]) -> None:
    """Replace the entries of the runs below a folder, by path, if possible."""
    texts = []
    for item in entries.items():
        with suppress(TypeError, ValueError):  # a date in the spec
            texts.append(json.dumps(item))
    content = f"[{','.join(texts)}]".encode()
    with suppress(OSError):  # read-only, or no space
        path = private_cache_folder(create=True) / index_file(root).name
        write_atomically(path, b"%d\n%s" % (zlib.crc32(content), content), 0o600)
