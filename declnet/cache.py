"""The folder for files that declnet can regenerate: compiled code, the index of runs.

Compiled code runs with the user's rights, so it is read only from files and folders that no
other user can change or replace.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ELOOP
from pathlib import Path
from typing import BinaryIO

MOST_LINKS = 40
"""Symbolic links on the way to the folder, as on Linux."""


def cache_folder() -> Path:
    """Return the folder `DECLNET_CACHE_DIR`, else declnet's in the user's cache folder.

    It may not exist, or be read-only: whatever uses it also works without.
    """
    if folder := os.environ.get("DECLNET_CACHE_DIR"):
        return Path(folder)
    import platformdirs

    return platformdirs.user_cache_path("declnet", appauthor=False)


def private_cache_folder(*, create: bool = False) -> Path:
    """Return the real path of the cache folder, which only this user can change or replace.

    The folders on its path are checked from the root, so no other user can change a path once it
    has been checked. They may belong to root, and others may write to those with a sticky bit,
    such as /tmp. On Windows, which has other permissions, nothing is checked.

    Args:
        create: whether to create missing folders, for this user only.

    Raises:
        PermissionError: another user owns the folder, or can write to it or replace it.
        OSError: it does not exist, or cannot be created.
    """
    folder = Path.cwd() / cache_folder()
    if os.name == "nt":
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        return folder
    path, links = Path(folder.anchor), 0
    _require_private(path.lstat(), path, shared=True)
    names = list(reversed(folder.parts[1:]))
    while names:
        name = names.pop()
        if name == "..":
            path = path.parent
            continue
        path /= name
        if create and not path.is_symlink():
            path.mkdir(0o700, exist_ok=True)
        status = path.lstat()
        _require_private(status, path, shared=True)
        if stat.S_ISLNK(status.st_mode):
            target, links = path.readlink(), links + 1
            if links > MOST_LINKS:
                raise OSError(ELOOP, "too many symbolic links", str(folder))
            names += reversed(target.parts[1:] if target.is_absolute() else target.parts)
            path = Path(target.anchor) if target.is_absolute() else path.parent
    _require_private(path.lstat(), path)
    return path


@contextmanager
def open_private(file: Path) -> Iterator[BinaryIO]:
    """Open a file of the private cache folder for reading.

    Raises:
        PermissionError: another user owns the file, or can write to it.
        OSError: it does not exist, is a symbolic link, or cannot be read.
    """

    def not_following(path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))

    with open(file, "rb", opener=not_following) as opened:  # a Path takes no opener
        _require_private(os.fstat(opened.fileno()), file)
        yield opened


def _require_private(status: os.stat_result, path: Path, *, shared: bool = False) -> None:
    """Raise PermissionError if another user owns a file or folder, or can write to it.

    Args:
        shared: whether it may belong to root, or let others add entries but not replace them.
    """
    if os.name == "nt":
        return
    user, mode = os.geteuid(), status.st_mode
    if status.st_uid != user and not (shared and status.st_uid == 0):
        raise PermissionError(f"{path} belongs to another user")
    if stat.S_ISLNK(mode) or (shared and mode & stat.S_ISVTX):
        return
    by_group = mode & stat.S_IWGRP and not _is_alone_in(status.st_gid, user, path)
    if mode & stat.S_IWOTH or by_group:
        raise PermissionError(f"other users can write to {path}")


def _is_alone_in(group: int, user: int, path: Path) -> bool:
    """Return whether a group is the user's private one, and no access list adds other users."""
    import grp
    import pwd

    try:
        account, members = pwd.getpwuid(user), grp.getgrgid(group)
        listed = os.listxattr(path) if hasattr(os, "listxattr") else []
    except (KeyError, OSError):
        return False
    is_own = (members.gr_gid, members.gr_name) == (account.pw_gid, account.pw_name)
    alone = {*members.gr_mem} <= {account.pw_name}
    return is_own and alone and "system.posix_acl_access" not in listed
