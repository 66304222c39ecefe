"""The index of runs, which never changes a listing, even if it is missing or wrong."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from declnet.runs.storage import index, listing
from declnet.runs.storage.index import index_file
from declnet.runs.storage.listing import ListedRun, list_runs

RUNS = 14

SETTLED = 0.02
"""Seconds after which files count as settled here; the clock of file systems ticks every 4 ms."""


def write_run(path: Path, number: int, rate: float = 0.5) -> None:
    path.mkdir(parents=True)
    manifest = {"status": "finished", "started": f"2026-11-{number:03}", "seconds": number / 7}
    (path / "manifest.json").write_text(json.dumps(manifest | {"epochs": 3, "better": {}}))
    (path / "metrics.json").write_text(json.dumps({"train": {"loss": number / 3}}))
    (path / "spec.toml").write_text(f"seed = {number}\n[optimizer]\nlearning_rate = {rate}\n")
    (path / "history.jsonl").write_text('{"epoch": 2}\n')


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A folder with enough runs for an index, which is empty."""
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "SETTLED", SETTLED * 1e9)
    monkeypatch.setattr(listing, "MANY", 3)
    for number in range(RUNS):
        write_run(tmp_path / "runs" / f"some-{number % 4}" / f"seed-{number}", number)
    return tmp_path / "runs"


def settled(folder: Path) -> list[object]:
    time.sleep(1.5 * SETTLED)
    return list(list_runs(folder))


def without_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    with monkeypatch.context() as patch:
        patch.setattr(listing, "MANY", 10**9)
        return list(list_runs(folder))


def test_runs_that_have_not_changed_are_not_read_again(many, monkeypatch):
    first = settled(many)
    assert sum(isinstance(listed, ListedRun) for listed in first) == RUNS
    changed = many / "some-3" / "seed-3"
    (changed / "history.jsonl").write_text('{"epoch": 7}\n')
    read = []

    def reading(directory, path):
        read.append(directory)
        return listing_read(directory, path)

    listing_read = listing._read
    monkeypatch.setattr(listing, "_read", reading)
    again = settled(many)
    assert read == [changed]
    differing = [new for old, new in zip(first, again, strict=True) if old != new]
    assert [(listed.path, listed.epochs) for listed in differing] == [(Path("some-3/seed-3"), 8)]


def test_a_file_that_changed_just_now_is_not_trusted(many, monkeypatch):
    monkeypatch.setattr(index, "SETTLED", 3600 * 10**9)
    list(list_runs(many))
    assert not index.indexed(many)


def change(folder: Path, file: Path, draw: random.Random, step: int) -> None:
    """Change a run, a folder of runs, or the index."""
    runs = sorted(path.parent for path in folder.rglob("manifest.json"))
    run, other = draw.sample(runs, 2)
    action = draw.randrange(12)
    if action == 0:  # of the same size
        text = (run / "metrics.json").read_text()
        (run / "metrics.json").write_text(text.translate(str.maketrans("123456789", "234567891")))
    elif action == 1:
        (run / "manifest.json").write_text("{")
    elif action == 2:
        shutil.rmtree(run)
        write_run(run, step, 0.25)
    elif action == 3:
        (run / "metrics.json").unlink(missing_ok=True)
    elif action == 4:
        with (run / "history.jsonl").open("a") as lines:
            lines.write(f'{{"epoch": {step + 3}}}\n')
    elif action == 5:
        (run / "spec.toml").write_text(f"a = 2026-11-28\nb = {step}\n")  # not in JSON
    elif action == 6:  # both keep their times and sizes
        aside = run.with_name("aside")
        run.rename(aside)
        other.rename(run)
        aside.rename(other)
    elif action == 7:
        write_run(folder / f"new-{step}", step)
    elif not file.is_file():
        return
    elif action == 8:
        file.write_bytes(file.read_bytes()[: draw.randrange(file.stat().st_size)])
    elif action == 9:
        content = bytearray(file.read_bytes())
        for _ in range(draw.randrange(1, 40)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        file.write_bytes(content)
    elif action == 10:
        file.write_text("no index")
    else:
        shutil.copy(file, file.with_suffix(".old"))
        if step % 2:
            file.unlink()


@pytest.mark.parametrize("seed", range(3))
def test_a_listing_is_the_same_without_an_index_or_with_a_wrong_one(many, seed, monkeypatch):
    draw = random.Random(seed)
    for step in range(14):
        for _ in range(draw.randrange(3)):
            change(many, index_file(many), draw, step)
        old = index_file(many).with_suffix(".old")
        if old.is_file() and draw.random() < 0.3:
            shutil.copy(old, index_file(many))
        assert settled(many) == without_index(many, monkeypatch), step


def test_no_index_is_written_where_its_folder_cannot_be_created(many, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "file"))
    assert settled(many) == settled(many)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other permissions")
def test_an_index_that_other_users_can_change_is_not_read(many):
    expected = settled(many)
    file = index_file(many)
    assert index.indexed(many)
    for path, mode in ((file, 0o666), (file.parent, 0o777)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert index.indexed(many) == {}
        assert settled(many) == expected
        path.chmod(before)
    assert index.indexed(many)
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_index_forgets_runs_that_are_gone(many):
    settled(many)
    shutil.rmtree(many / "some-1")
    settled(many)
    names = set(index.indexed(many))
    assert len(names) == RUNS - 4
    assert not any(name.startswith("some-1/") for name in names)


def test_few_runs_leave_no_index(tmp_path, monkeypatch):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    write_run(tmp_path / "runs/one", 1)
    assert len(list(list_runs(tmp_path / "runs"))) == 1
    assert not (tmp_path / "cache").exists()
