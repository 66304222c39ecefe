"""Claiming a run's folder, and writing to it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from declnet import OutputError, RunError
from declnet.runs.storage.folder import (
    claim,
    claim_numbered,
    claimed,
    locked,
    require_unclaimed,
    writing,
)
from declnet.runs.storage.writing import write_atomically


def test_a_folder_that_cannot_be_created_or_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot create"):
        claim(tmp_path / "file" / "below")
    with pytest.raises(OutputError, match="is a file"):
        claim(tmp_path / "file")
    with pytest.raises(RunError, match="cannot create"):
        claim_numbered(tmp_path / "file", "a")


def test_a_folder_without_write_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(RunError, match="no permission to write there"):
        claim(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    with pytest.raises(RunError, match="a read-only file system"):
        claim(tmp_path)


def test_numbers_count_on_from_the_largest_and_ignore_other_names(tmp_path):
    for name in ("a-1", "a-7", "a-x", "ab-9", "a-"):
        (tmp_path / name).mkdir()
    assert claim_numbered(tmp_path, "a").name == "a-8"
    assert claim_numbered(tmp_path, "b.c").name == "b.c-1"
    assert claim_numbered(tmp_path / "new", "a").name == "a-1"


def test_an_error_of_writing_names_the_file_and_not_its_temporary_copy(tmp_path):
    (tmp_path / "file").touch()
    message = r"/file/a\.json: cannot be written: Not a directory"
    with pytest.raises(RunError, match=message), writing(tmp_path):
        write_atomically(tmp_path / "file" / "a.json", b"")
    with pytest.raises(RunError, match="/file: cannot be written: No"), writing(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_claimed_folder_is_locked_and_was_empty(tmp_path):
    with claimed(tmp_path, "a", numbered=True) as first:
        with pytest.raises(OutputError, match="another process"), locked(first):
            pass
        (first / "shard-1-of-2.json").touch()
    with claimed(first):
        assert not [*first.iterdir()]  # what a killed process wrote first is removed
        (first / "shard-1-of-2.json").touch()
        (first / "spec.toml").touch()
    for claiming in (lambda: require_unclaimed(first), lambda: claim(first)):
        with pytest.raises(OutputError, match="not empty"):
            claiming()
    assert len([*first.iterdir()]) == 2
    assert first.name == "a-1"


def test_several_processes_at_once_claim_a_folder_each(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from declnet.runs.storage.folder import claim_numbered\n"
        "for _ in range(100): print(claim_numbered(Path(sys.argv[1]), 'r').name)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    names = [name for process in processes for name in process.communicate()[0].split()]
    assert len(names) == len(set(names)) == 400
