"""The files that a run writes to its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from declnet import DivergenceError, load_model, parse_spec, resume, run
from declnet.caching import sharing_results
from declnet.runs.storage import record
from declnet.runs.storage.record import HistoryFile

FILES = [
    "README.md",
    "behavior.json",
    "history.jsonl",
    "manifest.json",
    "metrics.json",
    "spec.toml",
    "weights.safetensors",
]


@pytest.fixture
def many(document, tmp_path):
    def train(**changes):
        with sharing_results():
            return run(parse_spec(document | changes), out=tmp_path / "many")

    return train


def test_a_brief_run_among_many_is_written_once_it_has_ended(many, document, monkeypatch, tmp_path):
    seen = []
    append = HistoryFile.append

    def watch(history, row):
        append(history, row)
        seen.append([path.name for path in (tmp_path / "many").iterdir()])

    monkeypatch.setattr(HistoryFile, "append", watch)
    many()
    assert seen
    assert not any(seen)
    alone = run(parse_spec(document), out=tmp_path / "alone")
    for name in set(FILES) - {"manifest.json"}:
        assert (tmp_path / "many" / name).read_bytes() == (alone.directory / name).read_bytes()


def test_a_longer_run_among_many_is_written_as_it_happens(many, monkeypatch):
    monkeypatch.setattr(record, "BRIEF", 0.0)
    written = []
    monkeypatch.setattr(
        record.Record, "finished", lambda self, *_: written.extend(self.directory.iterdir())
    )
    many()
    assert {"spec.toml", "manifest.json", "history.jsonl"} == {path.name for path in written}


def test_a_run_that_is_killed_while_it_is_written_at_its_end_resumes(many, monkeypatch, tmp_path):
    replace, left = Path.replace, [4]

    def replaced(source, target):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replaced)
        patch.setattr(record.Record, "failed", lambda *_: None)  # as after a kill
        with pytest.raises(KeyboardInterrupt):
            many()
    directory = tmp_path / "many"
    assert sorted(path.name for path in directory.iterdir()) == [FILES[1], *FILES[4:]]
    history = resume(directory).history
    assert len((directory / "history.jsonl").read_text().splitlines()) == len(history)
    assert sorted(path.name for path in directory.iterdir()) == FILES


def test_a_run_among_many_that_fails_says_so(many, tmp_path):
    with pytest.raises(DivergenceError):
        many(optimizer={"type": "sgd", "learning_rate": 1e200})
    assert json.loads((tmp_path / "many/manifest.json").read_text())["status"] == "failed"
    assert (tmp_path / "many/spec.toml").exists()


def test_a_model_loads_after_its_data_and_initial_weights_are_gone(document, tmp_path, blobs):
    run(parse_spec(document), out=tmp_path / "out")
    document["model"]["initial_weights"] = str(tmp_path / "start.safetensors")
    (tmp_path / "out" / "weights.safetensors").rename(tmp_path / "start.safetensors")
    again = run(parse_spec(document), out=tmp_path / "again")
    (tmp_path / "start.safetensors").unlink()
    (tmp_path / "data.npz").unlink()
    outputs = load_model(again.directory).predict(blobs[0])
    assert (outputs == again.model.predict(blobs[0])).all()
