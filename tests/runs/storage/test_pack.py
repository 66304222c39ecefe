"""Packs: reproducible bytes, and anything that `declnet pack` does not write is refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from warnings import catch_warnings, simplefilter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.errors import OutputError
from declnet.runs.storage.folder import unpacked
from declnet.runs.storage.pack import write_pack

FILES = {
    "manifest.json": b"{}",
    "weights.safetensors": bytes(range(256)) * 4,
    "fold-1/manifest.json": b"[]",
    "fold-1/empty": b"",
}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pack(tmp_path):
    write_pack(tmp_path / "flowers.declnet", "flowers", FILES)
    return tmp_path / "flowers.declnet"


def content(folder):
    """Return the content of the files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def archive(*entries, listed=None, name="flowers", comment=b""):
    """A zip archive of names or `ZipInfo`s with contents, of which `listed` are listed."""
    file, contents = io.BytesIO(), [(getattr(n, "filename", n), c) for n, c in entries]
    sums = {n: f"sha256:{hashlib.sha256(c).hexdigest()}" for n, c in contents}
    listing = {"format": 1, "name": name, "files": sums | (listed or {})}
    with catch_warnings(), zipfile.ZipFile(file, "w") as written:
        simplefilter("ignore")  # of duplicate names
        written.writestr("pack.json", json.dumps(listing))
        for entry, data in entries:
            written.writestr(entry, data)
        written.comment = comment
    return file.getvalue()


def test_a_pack_is_a_plain_archive_of_the_same_bytes_whatever_the_order(pack, tmp_path):
    again = tmp_path / "again.declnet"
    digest = write_pack(again, "flowers", dict(reversed(FILES.items())))
    assert again.read_bytes() == pack.read_bytes()
    assert hashlib.sha256(pack.read_bytes()).hexdigest() == digest
    with zipfile.ZipFile(pack) as read:
        infos = read.infolist()
        assert [info.filename for info in infos] == ["pack.json", *sorted(FILES)]
        assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
        assert read.testzip() is None


def test_it_is_unpacked_once_into_a_private_folder_and_again_if_files_are_gone(pack, cache):
    folder = unpacked(pack)
    assert folder.parent.parent == cache / "packs"
    assert (folder.name, content(folder)) == ("flowers", FILES)
    assert os.name == "nt" or stat.S_IMODE((cache / "packs").stat().st_mode) == 0o700
    inode = (folder / "manifest.json").stat().st_ino
    copy = pack.with_name("copy.declnet")
    shutil.copy(pack, copy)
    assert unpacked(copy) == unpacked(pack) == folder
    assert (folder / "manifest.json").stat().st_ino == inode
    (folder / "fold-1" / "empty").unlink()
    os.utime(pack)
    assert content(unpacked(pack)) == FILES
    assert [path.name for path in (cache / "packs").iterdir()] == [folder.parent.name]


def test_any_other_path_is_left_as_it_is(tmp_path):
    (tmp_path / "arrays.npz").write_bytes(b"PK\x03\x04")
    (tmp_path / "folder.declnet").mkdir()
    for name in ("arrays.npz", "folder.declnet", "missing.declnet"):
        assert unpacked(tmp_path / name) == tmp_path / name


def info(name, **fields):
    entry = zipfile.ZipInfo(name)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


MANIFEST = ("manifest.json", b"{}")
WHOLE = archive(MANIFEST, ("a", b"content"))
LINK = info("a", create_system=3, external_attr=(stat.S_IFLNK | 0o777) << 16)
BOMB = info("a", compress_type=zipfile.ZIP_DEFLATED)


def declaring(size):
    """Return an archive whose last entry declares another size in both of its headers."""
    broken = bytearray(WHOLE)
    for magic, at in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        start = broken.rindex(magic) + at
        broken[start : start + 8] = struct.pack("<II", size, size)
    return bytes(broken)


REFUSED = {
    "empty": (b"", "not a zip archive"),
    "short": (b"PK\x03\x04 is not enough", "not a zip archive"),
    "without its last byte": (WHOLE[:-1], "not a zip archive, or cut off"),
    "half": (WHOLE[: len(WHOLE) // 2], "not a zip archive, or cut off"),
    "a script, too": (b"#!/bin/sh\n" + WHOLE, 'the entry "pack.json" does not follow'),
    "longer": (WHOLE + b"more", "bytes that belong to no entry"),
    "with a comment": (archive(MANIFEST, comment=b"hidden"), "bytes that belong to no entry"),
    "twice": (archive(MANIFEST, ("a", b"1"), ("a", b"2")), 'has the entry "a" twice'),
    "twice in capitals": (archive(MANIFEST, ("a", b"1"), ("A", b"2")), 'has the entry "A" twice'),
    "file and folder": (archive(MANIFEST, ("a", b"1"), ("a/b", b"2")), '"a/b" is below another'),
    "above": (archive(MANIFEST, ("../a", b"1")), r'"\.\./a" is not a portable path'),
    "above a folder": (archive(MANIFEST, ("b/../../a", b"1")), "is not a portable path"),
    "absolute": (archive(MANIFEST, ("/etc/a", b"1")), '"/etc/a" is not a portable path'),
    "backslash": (archive(MANIFEST, ("b\\a", b"1")), "is not a portable path"),
    "drive": (archive(MANIFEST, ("C:a", b"1")), '"C:a" is not a portable path'),
    "device": (archive(MANIFEST, ("nul.txt", b"1")), "is not a portable path"),
    "folder": (archive(MANIFEST, ("a/", b"")), '"a/" is not a portable path'),
    "dot": (archive(MANIFEST, ("./a", b"1")), "is not a portable path"),
    "two lines": (archive(MANIFEST, ("a\nb", b"1")), "is not a portable path"),
    "link": (archive(MANIFEST, (LINK, b"/etc/passwd")), 'the entry "a" is a symbolic link'),
    "bomb": (archive(MANIFEST, (BOMB, bytes(10**6))), 'the entry "a" is compressed'),
    "declared as larger": (declaring(10**9), "bytes that belong to no entry"),
    "declared as smaller": (declaring(3), "bytes that belong to no entry"),
    "no manifest": (archive(("a", b"1")), "neither manifest.json nor group.json"),
    "missing": (archive(MANIFEST, listed={"b": "sha256:0"}), 'the entry "b" that pack.json lists'),
    "other content": (
        archive(MANIFEST, ("a", b"1"), listed={"a": "sha256:0"}),
        'the checksum of the entry "a" differs',
    ),
    "name above": (archive(MANIFEST, name="../up"), r'the name "\.\./up" cannot name a folder'),
    "no name": (archive(MANIFEST, name=""), "cannot name a folder"),
    "a bit": (WHOLE.replace(b"content", b"cantent"), "Bad CRC-32 for file 'a'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_by_entry_and_leaves_nothing(case, tmp_path, cache):
    written, message = REFUSED[case]
    path = tmp_path / "bad.declnet"
    path.write_bytes(written)
    beginning = re.escape(f"{path}: not a valid pack: ")
    with pytest.raises(OutputError, match=f"(?s)^{beginning}.*{message}"):
        unpacked(path)
    assert content(tmp_path) == {"bad.declnet": written}
    assert set(cache.rglob("*")) <= {cache / "packs"}


def test_an_entry_that_is_not_listed_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "more.declnet", "w") as written:
        listing = {"format": 1, "name": "x", "files": {"manifest.json": "sha256:0"}}
        for name, data in (("pack.json", json.dumps(listing)), MANIFEST, ("b", b"")):
            written.writestr(name, data)
    with pytest.raises(OutputError, match=r'pack\.json does not list the entry "b"'):
        unpacked(tmp_path / "more.declnet")


CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 12),
        st.binary(max_size=12) | st.sampled_from([b"../", b"PK"]),
    ),
    min_size=1,
    max_size=4,
)


@given(CHANGES)
def test_a_changed_pack_is_refused_or_means_the_same(pack, cache, changes):
    """Each change replaces some bytes."""
    changed = pack.read_bytes()
    for place, length, replacement in changes:
        at = int(place * len(changed))
        changed = changed[:at] + replacement + changed[at + length :]
    path = pack.with_name("changed.declnet")
    path.write_bytes(changed)
    with suppress(OutputError):
        folder = unpacked(path)
        assert content(folder) == FILES
        assert cache in folder.parents
    outside = {name for name in content(pack.parent) if not name.startswith("cache/")}
    assert outside == {pack.name, path.name}


def test_any_number_of_threads_and_processes_may_open_a_new_pack(pack, cache):
    code = "import sys, declnet; print(declnet.unpacked(sys.argv[1]))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(pack)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    copies = [shutil.copy(pack, pack.with_name(f"copy-{n}.declnet")) for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        folders = {str(folder) for folder in threads.map(unpacked, copies)}
    folders |= {process.communicate(timeout=60)[0].strip() for process in processes}
    (folder,) = folders
    assert content(cache / "packs") == {
        f"{pack_folder}/{name}": data
        for pack_folder in ["/".join(folder.rsplit("/", 2)[1:])]
        for name, data in FILES.items()
    }


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other permissions")
def test_without_a_private_cache_it_is_a_folder_of_the_process(pack, cache, monkeypatch, tmp_path):
    cache.mkdir()
    cache.chmod(0o777)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "import sys, declnet; folder = declnet.unpacked(sys.argv[1]); print(folder)\n"
        "assert folder == declnet.unpacked(sys.argv[1]) and (folder / 'manifest.json').is_file()"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(pack)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(temporary))
    assert not any(temporary.iterdir())
    assert not any(cache.iterdir())


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("x.zip", {}, "the name of a pack must end in .declnet"),
        ("x.declnet", {"a:b/c": b""}, '"a:b/c" is not a portable path'),
        ("x.declnet", {"pack.json": b""}, '"pack.json" twice'),
    ],
)
def test_an_unreadable_pack_is_not_written(name, files, message, tmp_path):
    with pytest.raises(OutputError, match=message):
        write_pack(tmp_path / name, "x", {"manifest.json": b"", **files})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["what? why", "con", "..", "a/b"])
def test_any_name_of_a_spec_can_name_a_folder(name, tmp_path):
    write_pack(tmp_path / "x.declnet", name, FILES)
    assert content(unpacked(tmp_path / "x.declnet")) == FILES
