"""A run's files: written so that a kill leaves the old file or the new one, links not followed."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic_core import to_json

from declnet.errors import OutputError


def read_bytes(path: Path) -> bytes:
    """Read a file of a run without following a symbolic link; raise OSError if that fails."""
    with open_file(path, "rb") as file:
        return file.read()


def open_file(path: Path, mode: Literal["rb", "ab"]) -> BinaryIO:
    """Open a file of a run without following a symbolic link; raise OSError if that fails."""
    return open(path, mode, opener=_not_following)  # a Path takes no opener


def _not_following(path: str, flags: int) -> int:
    if os.path.islink(path):  # noqa: PTH114  # a Path takes longer
        raise OSError(errno.ELOOP, "a symbolic link, which declnet does not follow", path)
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


@contextmanager
def open_atomically(path: Path, permissions: int = 0o666) -> Iterator[BinaryIO]:
    """Open a temporary file next to `path` that replaces it once the context ends without error.

    After a kill, the temporary file is removed when `path` is written again.

    Args:
        permissions: of the file, from which the process's umask is taken away.

    Raises:
        OSError: the folder cannot be written to.
    """
    temporary = _temporary(path)
    try:
        with ExitStack() as stack:
            with open(temporary, "wb", opener=partial(os.open, mode=permissions)) as file:
                stack.enter_context(_in_use(temporary))
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> Path:
    """Return the temporary file to write; remove leftovers of killed processes for `path`."""
    prefix = f".{path.name}."
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.removeprefix(prefix).isdecimal():
                _remove_if_abandoned(Path(entry))
    return path.with_name(f"{prefix}{os.getpid()}")


@contextmanager
def _in_use(temporary: Path) -> Iterator[None]:
    """Lock a temporary file until it is renamed, so that no other process removes it."""
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # no locks on Windows and some network drives
            import fcntl

            descriptor = os.open(temporary, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _remove_if_abandoned(temporary: Path) -> None:
    """Remove a temporary file that no process is writing, where locks can tell."""
    with suppress(ImportError, OSError), open_file(temporary, "rb") as file:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.unlink()


def write_atomically(path: Path, content: bytes, permissions: int = 0o666) -> None:
    """Write a temporary file next to `path`, sync it to disk, rename it and sync the folder.

    Args:
        permissions: of the file, from which the process's umask is taken away.

    Raises:
        OSError: the folder cannot be written to.
    """
    with open_atomically(path, permissions) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path, force: bool) -> Iterator[BinaryIO]:
    """Open a file that appears only once it is complete; an error leaves nothing.

    Args:
        path: the file.
        force: whether to replace an existing file.

    Raises:
        OutputError: the file exists or cannot be written.
    """
    require_free(path, force)
    try:
        with open_atomically(path) as file:
            yield file
            require_free(path, force)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def require_free(path: Path, force: bool) -> None:
    """Raise OutputError if a file cannot be written there, or exists without `force`."""
    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file")
        if not path.parent.is_dir():
            raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
        exists, regular = path.exists(), path.is_file()
    except OSError as error:  # a folder without permission, a name that is too long
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    if exists and not regular:
        raise OutputError(f"{path}: not a regular file; name another, or leave out -o")
    if exists and not force:
        raise OutputError(f"{path}: it exists already; nothing was written (--force overwrites it)")


def write_together(folder: Path, files: Mapping[str, bytes], unsynced: Container[str] = ()) -> None:
    """Write several files of a folder, given by name, each atomically.

    They are synced together, which costs less than syncing each before the next is
    written. A kill may leave some of them old and others new; the first ones are replaced first.

    Args:
        folder: the folder.
        files: the content of each file.
        unsynced: files that may be lost if the machine fails, but not if the process is killed.

    Raises:
        OSError: the folder cannot be written to.
    """
    temporary = {name: _temporary(folder / name) for name in files}
    try:
        with ExitStack() as stack:
            with ExitStack() as open_files:
                opened = []
                for path in temporary.values():
                    opened.append(open_files.enter_context(path.open("wb")))
                    stack.enter_context(_in_use(path))
                for file, content in zip(opened, files.values(), strict=True):
                    file.write(content)
                    file.flush()
                for name, file in zip(files, opened, strict=True):
                    if name not in unsynced:
                        os.fsync(file.fileno())
            for name, path in temporary.items():
                path.replace(folder / name)
        sync_folder(folder)
    except BaseException:
        for path in temporary.values():
            path.unlink(missing_ok=True)
        raise


def json_document(value: Any) -> bytes:
    """Return a value as the content of an indented JSON file."""
    return to_json(value, indent=2, inf_nan_mode="null") + b"\n"  # ten times as fast as `json`


def json_line(value: Any) -> bytes:
    """Return a value as one line of JSON, with null for NaN and infinite numbers."""
    return to_json(value, inf_nan_mode="null") + b"\n"


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, and sync their entries; raise OSError on failure."""
    missing = list(takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk, if the system supports it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # unsupported by some network drives
        return
    finally:
        os.close(descriptor)


def remove_temporary(folder: Path) -> None:
    """Remove temporary files and folders of killed processes; no other process may be writing."""
    for path in folder.glob(".*"):
        if not is_temporary(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def written_name(path: Path) -> Path:
    """Return the file that a temporary one replaces, or any other file unchanged."""
    return path.with_name(path.stem[1:]) if is_temporary(path) else path


def is_temporary(path: Path) -> bool:
    """Return whether a name belongs to a temporary file or folder of a run."""
    return bool(re.fullmatch(r"\..+\.[a-z]+\.\d+", path.name))
