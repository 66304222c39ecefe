"""Stored JSON is read safely: a damaged file is either read or refused with an error."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import declnet
from declnet import OutputError, StudyTrial, Table, Task
from declnet.contracts.runs.plan import Outcome
from declnet.runs.behavior import require_same_behavior
from declnet.runs.computed import of_model
from declnet.runs.many.group_file import GroupFile, StoredSpec
from declnet.runs.many.journal import StoredJournal
from declnet.runs.many.shards import shard_runs
from declnet.runs.many.study import STUDY_SUMMARY, StudySummary
from declnet.runs.storage.checkpoints import Checkpoints
from declnet.runs.storage.listing import ListedRun, list_runs
from declnet.stored import Stored


@dataclass(frozen=True)
class Point:
    x: float
    labels: tuple[str | int, ...] = ()


POINTS = Stored[dict[str, Point]](dict[str, Point])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": {"x": 1}, "a": {"x": 2}}', 'duplicate key "a"'),
        (b'{"a": {"x": NaN}}', "NaN is not a JSON value"),
        (b'{"a": {"x": 1' + b"0" * 50 + b"}}", "10000000000000000000.* is too large"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": {"x": "\xff"}}', "invalid start byte"),
        (b"{", "Expecting property name"),
        (b"[]", "must be an object"),
        (b'{"a": {}}', 'key "a.x": is missing'),
        (b'{"a": {"x": "1"}}', 'key "a.x": must be a valid number'),
        (b'{"a": {"x": true}}', 'key "a.x": must be a valid number'),
        (b'{"a": {"x": 1, "y": 2}}', 'key "a.y": is not known'),
        (b'{"a": {"x": 1, "labels": ["b", 2.5]}}', 'key "a.labels.1": must be a valid string'),
    ],
)
def test_content_of_another_type_is_refused_with_its_key(content, message):
    with pytest.raises(ValueError, match=message):
        POINTS.parse(content)


def test_written_content_is_read_back():
    points = {"a": Point(0.1), "ü": Point(-1e300, ("b", 2))}
    assert POINTS.parse(POINTS.write(points)) == points
    assert POINTS.plain(points)["ü"] == {"x": -1e300, "labels": ["b", 2]}


COLORS = np.array(["red", "blue"], object)[np.arange(60) % 2]
ROW = {"x": [0.5], "z": [2.0], "color": ["red"]}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with every kind of JSON file that declnet writes to folders of runs."""
    folder, rng = tmp_path_factory.mktemp("stored"), np.random.default_rng(0)
    columns = {"x": rng.normal(size=60), "z": rng.normal(size=60), "color": COLORS}
    columns["kind"] = np.arange(60) % 3
    spec = {
        "data": {
            "prepare": [{"type": "quantile", "columns": ["z"]}, "standardize", "one_hot"],
            "validation": 0.4,
        },
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 1, "callbacks": [{"type": "checkpoint", "every_epochs": 1}]},
        "calibration": {"steps": ["temperature", "conformal"]},
        "analyses": [{"type": "groups", "by": "color"}],
    }
    declnet.run(spec, Table(columns, "kind"), folder / "run")
    shutil.copytree(folder / "run", folder / "seeds/seed-0")
    specs = (StoredSpec(document={"tune": {"trials": 1}}, folder="/"),)
    tasks = (Task("seed-0", {"a": 1.5}, 0, point="p", name="n"), Task("seed-1", seed=1))
    sums = {"seed-0": "sha256:0"}
    GroupFile(kind="seeds", name="e", specs=specs, tasks=tasks, manifests=sums).write(
        folder / "seeds"
    )
    shard = {"shard": 1, "of": 2, "runs": ["seed-0"]}
    (folder / "seeds/shard-1-of-2.json").write_text(json.dumps(shard))
    (folder / "study").mkdir()
    GroupFile(kind="study", name="s", specs=specs, worker="w", seconds=1.0).write(folder / "study")
    task = Task("trials/0000", {"a": 1, "b": ["c"]}, point="trials/0000")
    journal = StoredJournal(folder / "study", {}, writes=True)
    journal.ask(task)
    journal.report(task, 3, 0.25)
    journal.stop(task, 3, "late")
    journal.end(task, Outcome("s", 0, folder, {"train": {"loss": 0.5}}, 1.0, stopped="late"))
    trial = StudyTrial(0, {"a": 1, "b": "c"}, "finished", 0.5, {3: 0.25})
    summary = StudySummary("s", "train.loss", "lower", "finished", 1.0, 0, {"a": 1.0}, (trial,))
    (folder / "study/summary.json").write_bytes(STUDY_SUMMARY.write(summary))
    return folder


def checkpoints(folder):
    notices = []
    readable = [checkpoint for checkpoint, _ in Checkpoints(folder / "run").read(notices.append)]
    if notices:
        raise OutputError(notices[0])
    return readable


def predicted(folder):
    return declnet.load_predictor(folder / "run").predict(ROW)


def compared(folder):
    run = declnet.open_run(folder / "run")
    aspects, changed = of_model(run.predictor().member), {"declnet": ("0.0", "0.1")}
    require_same_behavior(run.spec, run._files, aspects, changed, run.registry)


USES = {
    "run/behavior.json": compared,
    "run/manifest.json": lambda folder: declnet.open_run(folder / "run").summary(),
    "run/metrics.json": lambda folder: declnet.open_run(folder / "run").metrics,
    "run/history.jsonl": lambda folder: declnet.open_run(folder / "run").history,
    "run/analyses.json": lambda folder: declnet.open_run(folder / "run").analyses,
    "run/preparation.json": predicted,
    "run/calibration.json": predicted,
    "run/checkpoints/index.json": checkpoints,
    "seeds/group.json": lambda folder: declnet.open_group(folder / "seeds").points(),
    "seeds/shard-1-of-2.json": lambda folder: shard_runs(folder / "seeds"),
    "study/group.json": lambda folder: declnet.open_group(folder / "study").status,
    "study/summary.json": lambda folder: declnet.open_group(folder / "study").trials,
    "study/journal.jsonl": lambda folder: declnet.open_group(folder / "study").tasks,
}

ODD = (None, True, -1, 1.5, 10**30, "x", "", "../x", [], [0], {}, {"array": "x"}, {"float": "nan"})


@dataclass(frozen=True)
class Damage:
    """Damage to a file: a part of its JSON or some bytes are replaced, removed or duplicated."""

    kind: str
    place: float
    value: object

    def done(self, content: bytes) -> bytes:
        at = int(self.place * len(content))
        if self.kind == "cut":
            return content[:at]
        if self.kind == "flip":
            return (
                content[:at]
                + bytes([content[at] ^ 1 << int(self.place * 997) % 8])
                + content[at + 1 :]
            )
        lines = content.splitlines() if content.count(b"\n{") else [content]
        line = int(self.place * len(lines))
        document = json.loads(lines[line])
        spots = list(parts(document))
        table, key = spots[int(self.place * len(spots))]
        if self.kind == "replace":
            table[key] = self.value
        elif self.kind == "remove":
            del table[key]
        elif isinstance(table, dict):
            table[f"{key}+"] = table[key]
        else:
            table.append(table[key])
        lines[line] = json.dumps(document).encode()
        return b"\n".join(lines) + b"\n"


def parts(document):
    """Yield the container and the key or index of each part of a document."""
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        yield document, key
        if isinstance(value, dict | list):
            yield from parts(value)


KINDS = ("cut", "flip", "replace", "remove", "double")
damages = st.builds(
    Damage, st.sampled_from(KINDS), st.floats(0, 1, exclude_max=True), st.sampled_from(ODD)
)


OF_THE_MODEL = (
    *("run/manifest.json", "run/preparation.json", "run/calibration.json"),
    "run/behavior.json",
)
"""Files that may be valid without fitting the model, for example inputs of another shape."""


def refusal(use, folder):
    """Return the DeclnetError that a use of a folder raises, or None."""
    try:
        use(folder)
    except declnet.DeclnetError as error:
        return error
    return None


@pytest.mark.parametrize("name", USES)
@settings(max_examples=settings().max_examples // 3)
@given(damage=damages)
def test_a_damaged_file_is_read_or_refused_with_its_name(stored, renew_checksums, name, damage):
    """The use gives a result or raises a DeclnetError that names the file."""
    path = stored / name
    intact = path.read_bytes()
    try:
        path.write_bytes(damage.done(intact))
        if name.startswith("run/") and name not in (
            "run/manifest.json",
            "run/checkpoints/index.json",
        ):
            renew_checksums(stored / "run")
        error = refusal(USES[name], stored)
        assert not isinstance(error, OutputError) or str(path.parent) in str(error)
        assert error is None or isinstance(error, OutputError) or name in OF_THE_MODEL
    finally:
        path.write_bytes(intact)
    renew_checksums(stored / "run")
    USES[name](stored)


@settings(max_examples=settings().max_examples // 3)
@given(damage=damages, name=st.sampled_from(["manifest.json", "metrics.json", "history.jsonl"]))
def test_a_damaged_run_is_listed_or_skipped(stored, damage, name):
    path = stored / "run" / name
    intact = path.read_bytes()
    try:
        path.write_bytes(damage.done(intact))
        (entry,) = (entry for entry in list_runs(stored) if entry.path == Path("run"))
        assert isinstance(entry, ListedRun) or name in entry.reason
    finally:
        path.write_bytes(intact)
