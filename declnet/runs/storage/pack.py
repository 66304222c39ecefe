"""A pack: one file with all that predicting with a run or a group needs.

It is a zip archive without compression, whose first entry lists the SHA-256 of all others, in
order. A pack is verified as a whole, and unpacked into a folder of the cache that is named by the
SHA-256 of the file; from there on it is a folder like any other.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import stat
import struct
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Literal

from declnet.cache import private_cache_folder
from declnet.errors import OutputError
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.folder import GROUP, MANIFEST, PACK_SUFFIX, reading
from declnet.runs.storage.writing import whole_file, write_together
from declnet.stored import Stored

LIST = "pack.json"
"""The first entry: the checksums of the others."""

_DATE = (1980, 1, 1, 0, 0, 0)
_UTF8 = 0x800
_LOCAL_HEADER, _END_RECORD = 30, 22
"""Bytes of a local header and, without a comment, of the record that ends an archive."""
_END = b"PK\x05\x06"
_LARGE_FILE = 20
"""Bytes of the extra field of a local header if the entry is larger than 2 GiB."""

ABANDONED = 3600.0
"""Seconds after which a partly unpacked folder counts as left by a killed process."""

_UNSAFE = re.compile(r"[\x00-\x1f\\:*?\"<>|]")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

_Stamp = tuple[str, int, int, int]
_UNPACKED: dict[_Stamp, Path] = {}
"""The folders of packs that this process has opened, by path, size, time and number of the file."""


@dataclass(frozen=True)
class PackList:
    """The content of `pack.json`.

    Attributes:
        format: the version of the format.
        name: the name of the unpacked folder, as far as it can be that of the spec.
        files: the checksum of each other entry by its path.
    """

    format: Literal[1]
    name: str
    files: dict[str, str]


PACK_LIST = Stored[PackList](PackList)


def write_pack(path: Path, name: str, files: Mapping[str, bytes], *, force: bool = False) -> str:
    """Write a pack: the same content gives the same bytes.

    Args:
        path: the file.
        name: the name of the spec.
        files: the content of each entry by its path, read twice and one at a time, so that a
            mapping may read files.
        force: whether to replace an existing file.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        OutputError: the file exists or cannot be written, its name does not end in `.declnet`, or
            the path of an entry is not portable.
    """
    if path.suffix.lower() != PACK_SUFFIX:
        raise OutputError(f"{path}: the name of a pack must end in {PACK_SUFFIX}")
    entries = sorted(files)
    for problem in _unusable([LIST, *entries]):
        raise OutputError(f"{path}: {problem}; nothing was written")
    checksums = {entry: checksum(files[entry]) for entry in entries}
    portable = _UNSAFE.sub("_", name.replace("/", "_")).rstrip(". ")
    listed = PackList(1, "model" if _is_unsafe(portable) else portable, checksums)
    with (
        whole_file(path, force) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for entry in (LIST, *checksums):
            info = zipfile.ZipInfo(entry, _DATE)
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, PACK_LIST.write(listed) if entry == LIST else files[entry])
    with path.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def unpacked_file(path: Path) -> Path:
    """Return the folder with the content of a pack, as `folder.unpacked` does."""
    with reading(path), path.open("rb") as file:
        stamp = _stamp(path, file)
        folder = _UNPACKED.get(stamp)
        if folder is not None and folder.is_dir():
            return folder
        folder = _unpack(path, file)
        if _stamp(path, file) != stamp:
            raise OutputError(f"{path}: the file changed while it was read; try again")
    _UNPACKED[stamp] = folder
    return folder


def _stamp(path: Path, file: BufferedReader) -> _Stamp:
    status = os.fstat(file.fileno())
    return str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ino


def _unpack(path: Path, file: BufferedReader) -> Path:
    """Verify a pack and return the folder with its content, which another process may have made.

    Raises:
        OutputError: it is not a valid pack, or cannot be unpacked.
    """
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    problem: OSError | None = None
    try:
        with zipfile.ZipFile(file) as archive:
            _require_regular(path, file, archive)
            listed = _listed(path, archive)
            for parent in (_cache_folder, _temporary_folder):
                try:
                    return _unpack_into(parent() / digest, listed, path, archive)
                except OSError as error:
                    problem = error
    except zipfile.BadZipFile as error:
        raise _invalid(path, f"not a zip archive, or cut off ({error})") from None
    except (struct.error, ValueError, NotImplementedError, RuntimeError, OverflowError, EOFError):
        raise _invalid(path, "not a zip archive that `declnet pack` writes") from None
    raise OutputError(f"{path}: cannot be unpacked: {(problem and problem.strerror) or problem}")


def _invalid(path: Path, why: str) -> OutputError:
    remedy = "copy it again, or pack the run again with `declnet pack`"
    return OutputError(f"{path}: not a valid pack: {why}; {remedy}")


def _require_regular(path: Path, file: BufferedReader, archive: zipfile.ZipFile) -> None:
    """Require that an archive consists of regular, uncompressed entries and nothing else.

    They follow each other from the first byte on, so their sizes add up to the file's.

    Raises:
        OutputError: something is in the way, with the entry.
    """
    entries, end = archive.infolist(), 0
    for entry in entries:
        fault = _fault_of(entry)
        if fault is None and entry.header_offset != end:
            fault = "does not follow the entry before it"
        if fault is None:
            file.seek(end)
            name_length, more = struct.unpack("<HH", file.read(_LOCAL_HEADER)[-4:])
            fault = None if more in (0, _LARGE_FILE) else "has fields that packs do not have"
            end += _LOCAL_HEADER + name_length + more + entry.file_size
        if fault is not None:
            raise _invalid(path, f'the entry "{_shown(entry.orig_filename)}" {fault}')
    names = [entry.filename for entry in entries]
    for problem in _unusable(names):
        raise _invalid(path, problem)
    if names[:1] != [LIST]:
        raise _invalid(path, f"its first entry is not {LIST}")
    file.seek(-_END_RECORD, os.SEEK_END)
    if archive.start_dir != end or file.read(len(_END)) != _END:
        raise _invalid(path, "it has bytes that belong to no entry")
    if MANIFEST not in names and GROUP not in names:
        raise _invalid(path, f"it has neither {MANIFEST} nor {GROUP}")


def _fault_of(entry: zipfile.ZipInfo) -> str | None:
    """Return why an entry cannot belong to a pack; None if it can."""
    if entry.orig_filename != entry.filename:
        return "has a name that is not portable"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a symbolic link"
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        return "is compressed, or declares another size than it has"
    if entry.flag_bits & ~_UTF8 or entry.comment:
        return "is encrypted, or has fields that packs do not have"
    return None


def _unusable(names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the paths of entries: some systems could not tell them apart."""
    known: set[str] = set()
    for name in names:
        parts, key = name.split("/"), name.casefold()
        if _UNSAFE.search(name) or any(_is_unsafe(part) for part in parts):
            yield f'the entry "{_shown(name)}" is not a portable path within the pack'
        if key in known:
            yield f'it has the entry "{_shown(name)}" twice'
        known.add(key)
    for name in names:
        for parent in list(PurePosixPath(name.casefold()).parents)[:-1]:
            if str(parent) in known:
                yield f'the entry "{_shown(name)}" is below another entry'


def _is_unsafe(part: str) -> bool:
    return part in ("", ".", "..") or part[-1] in ". " or bool(_DEVICE.fullmatch(part))


def _shown(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:100]}…"


def _unpack_into(folder: Path, listed: PackList, path: Path, archive: zipfile.ZipFile) -> Path:
    """Return a folder with the content of a regular archive; raise OSError if it cannot be made.

    It appears as a whole, so several processes may unpack it concurrently.

    Raises:
        OutputError: the content of an entry is not what the pack lists.
    """
    content = folder / listed.name
    if _is_whole(content, archive):
        return content
    for left in folder.parent.glob(".*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:16]}."))
    try:
        arriving = temporary / "arriving"
        by_folder: dict[Path, list[str]] = {}
        for name in listed.files:
            by_folder.setdefault((arriving / listed.name / name).parent, []).append(name)
        for parent, names in by_folder.items():
            parent.mkdir(parents=True, exist_ok=True)
            contents = {
                PurePosixPath(name).name: _content(path, archive, name, listed.files[name])
                for name in names
            }
            write_together(parent, contents)
        if not _is_whole(content, archive):
            with suppress(FileNotFoundError):  # files of it have been removed, e.g. as old ones
                folder.rename(temporary / "former")
        try:
            arriving.rename(folder)
        except OSError:
            if not _is_whole(content, archive):  # or another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return content


def _is_whole(folder: Path, archive: zipfile.ZipFile) -> bool:
    """Return whether a folder has all files of an archive."""
    try:
        return all(
            (folder / entry.filename).stat().st_size == entry.file_size
            for entry in archive.infolist()
            if entry.filename != LIST
        )
    except FileNotFoundError:
        return False


def _listed(path: Path, archive: zipfile.ZipFile) -> PackList:
    """Return the first entry, which lists all others.

    Raises:
        OutputError: it cannot be read, lists no entry of that name, or lacks one.
    """
    try:
        listed = PACK_LIST.parse(archive.read(LIST))
    except ValueError as error:
        raise _invalid(path, f"{LIST}: {error}") from None
    if _UNSAFE.search(listed.name) or "/" in listed.name or _is_unsafe(listed.name):
        raise _invalid(path, f'{LIST}: the name "{_shown(listed.name)}" cannot name a folder')
    names = dict.fromkeys(archive.namelist())
    del names[LIST]
    for name in names:
        if name not in listed.files:
            raise _invalid(path, f'{LIST} does not list the entry "{_shown(name)}"')
    for name in listed.files:
        if name not in names:
            raise _invalid(path, f'the entry "{_shown(name)}" that {LIST} lists is missing')
    return listed


def _content(path: Path, archive: zipfile.ZipFile, name: str, expected: str) -> bytes:
    """Return the content of an entry; raise OutputError if its checksum is another."""
    content = archive.read(name)
    if checksum(content) != expected:
        raise _invalid(path, f'the checksum of the entry "{_shown(name)}" differs from {LIST}')
    return content


def _cache_folder() -> Path:
    """Return the folder of unpacked packs, which only this user can change; raise OSError."""
    folder = private_cache_folder(create=True) / "packs"
    folder.mkdir(0o700, exist_ok=True)
    return folder


def _temporary_folder() -> Path:
    return _folder_of_process(os.getpid())


@lru_cache(maxsize=1)
def _folder_of_process(process: int) -> Path:
    """Return a folder that this process removes when it ends, but not one that it forks."""
    folder = Path(tempfile.mkdtemp(prefix="declnet-packs-"))

    def remove() -> None:
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder
