from __future__ import annotations

import subprocess
import sys

import pytest

from declnet.runs.storage.writing import whole_file, write_atomically, write_together


def test_an_open_file_keeps_its_old_content(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with path.open("rb") as file:
        write_atomically(path, b"new")
        assert file.read() == b"old"
    assert path.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failure_leaves_old_or_new_files_and_no_others(tmp_path):
    write_together(tmp_path, {"a": b"1", "b": b"2"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_together(tmp_path, {"a": b"3", "folder": b"4", "b": b"5"})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b", "folder"]
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"3", b"2"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "file"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(target, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


WRITERS = {
    "one": "with open_atomically(Path('file')) as file: hold()",
    "several": "os.fsync = lambda _: hold(); write_together(Path(), {'file': b'2', 'b': b'3'})",
}


@pytest.mark.parametrize("case", WRITERS)
def test_a_temporary_file_is_removed_once_its_process_was_killed(case, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from declnet.runs.storage.writing import *\n"
        "def hold():\n    print(flush=True)\n    sys.stdin.readline()\n" + WRITERS[case]
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    left = tmp_path / f".file.{process.pid}"
    write_atomically(tmp_path / "file", b"1")
    assert left.exists()  # in use
    process.kill()
    process.communicate()
    (tmp_path / ".file.txt.7").touch()  # of another file
    write_atomically(tmp_path / "file", b"4")
    others = {".file.txt.7"} | ({f".b.{process.pid}"} if case == "several" else set())
    assert {path.name for path in tmp_path.iterdir()} == {"file"} | others
    write_together(tmp_path, {"b": b"5", "file.txt": b"6"})
    assert {path.name for path in tmp_path.iterdir()} == {"file", "file.txt", "b"}


def test_the_old_file_exists_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with whole_file(path, force=True) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
