"""The cache folder: private to this user, and refused if other users can change it."""

from __future__ import annotations

import os

import pytest

from declnet.cache import open_private, private_cache_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other permissions")


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder that does not exist yet, below two new folders."""
    folder = tmp_path / "home" / "user" / "cache"
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(folder))
    folder.parent.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_created_folders_are_private_with_any_umask(mask, folder, monkeypatch):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(folder / "in" / "it"))
    before = os.umask(mask)
    try:
        created = private_cache_folder(create=True)
    finally:
        os.umask(before)
    assert created == folder / "in" / "it"
    for path in (folder, folder / "in", created):
        assert path.stat().st_mode & 0o077 == 0


def test_nothing_is_created_unless_asked(folder):
    with pytest.raises(FileNotFoundError):
        private_cache_folder()
    assert not folder.exists()


@pytest.mark.parametrize("place", ["cache", "user", "home"])
@pytest.mark.parametrize(
    ("owner", "group", "mode", "fine"),
    [
        (None, None, 0o755, True),
        (None, None, 0o777, False),
        (None, None, 0o1777, None),  # sticky: others cannot replace its entries
        (None, 12345, 0o775, False),
        (None, 12345, 0o755, True),
        (12345, None, 0o700, False),
    ],
)
def test_a_parent_folder_that_others_can_change_is_refused(place, owner, group, mode, fine, folder):
    folder.mkdir()
    (changed,) = (path for path in (folder, *folder.parents) if path.name == place)
    changed.chmod(mode)
    try:
        os.chown(changed, -1 if owner is None else owner, -1 if group is None else group)
    except PermissionError:
        pytest.skip("only root can give folders to other users")
    if fine if fine is not None else place != "cache":
        assert private_cache_folder() == folder
    else:
        with pytest.raises(PermissionError, match=f"{place} belongs to|can write to .*{place}$"):
            private_cache_folder()


def test_links_are_followed_unless_another_user_owns_them(folder, monkeypatch, tmp_path):
    (folder.parent / "real").mkdir()
    folder.symlink_to("../user/real")
    assert private_cache_folder() == folder.parent / "real"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "loop" / "x"))
    with pytest.raises(OSError, match="symbolic links"):
        private_cache_folder()
    (folder / "file").symlink_to(folder / "other")
    (folder / "other").touch()
    with pytest.raises(OSError, match="symbolic link"), open_private(folder / "file"):
        pass
