"""Data files that change while they are read: an error, or the result of the old content."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from declnet import DeclnetError, parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged
from declnet_plugins.standard.data import parquet

REPLACEMENTS = int(os.environ.get("DECLNET_TEST_REPLACEMENTS", "6"))
"""Changes of a streamed file at random moments, over all formats and kinds of changes."""

ROWS = 1500
FORMATS = ("csv", "npy", "parquet")


@pytest.fixture(autouse=True, scope="module")
def _small_groups():
    """Let a Parquet file be read again in every epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "HELD", 2000)
        yield


def write(folder, form, *, inverted=False, rows=ROWS):
    """Write a table as two files or one; return the source and the file that has the labels."""
    polars = pytest.importorskip("polars")
    folder.mkdir(exist_ok=True)
    x = np.random.default_rng(0).normal(3, 2, (rows, 4)).round(3)
    y = ((x[:, 0] > x[:, 1]) ^ inverted).astype(np.int64)
    if form == "npy":
        np.save(folder / "x.npy", x)
        np.save(folder / "y.npy", y)
        return {"type": "npy", "x": str(folder / "x.npy"), "y": str(folder / "y.npy")}, "y.npy"
    frame = polars.DataFrame({f"x{at}": column for at, column in enumerate(x.T)} | {"y": y})
    path = folder / f"table.{form}"
    if form == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path, row_group_size=500, compression="uncompressed")
    return {"type": form, "path": str(path), "target": "y"}, path.name


def document(source, **stream):
    return {
        "declnet": 1,
        "data": {
            "train": source,
            "validation": 0.2,
            "prepare": ["standardize"],
            "stream": {"window": 200, **stream},
        },
        "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 4, "batch_size": 32},
    }


def rename_over(path, other):
    Path(shutil.copy(other, f"{path}.new")).replace(path)


def edit_in_place(path, other):
    """Write other content of the same size to the file, and restore its times."""
    times = path.stat()
    with path.open("r+b") as file:
        file.write(other.read_bytes())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def truncate(path, other):
    os.truncate(path, path.stat().st_size * 2 // 3)


def append(path, other):
    with path.open("ab") as file:
        file.write(other.read_bytes()[-4000:])


CHANGES = (rename_over, edit_in_place, truncate, append)


def result_of(folder):
    """Return the trained weights and the hashes of their data."""
    weights = (folder / "weights.safetensors").read_bytes()
    return weights, json.loads((folder / "manifest.json").read_text())["data"]


def outcome(spec, folder):
    """Return the result of a run, or its error with file names alone."""
    try:
        return result_of(run(spec, out=folder).directory)
    except DeclnetError as error:
        return re.sub(r"/\S*/", "", str(error))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return a function of a format and a change before the run, with the run's outcome."""

    @cache
    def of(form, change=None):
        folder = tmp_path_factory.mktemp(form)
        source, name = write(folder / "data", form)
        write(folder / "other", form, inverted=True)
        if change is not None:
            change(folder / "data" / name, folder / "other" / name)
        return outcome(parse_spec(document(source)), folder / "run")

    return of


def test_a_file_changed_at_any_moment_is_an_error_or_was_read_before(
    tmp_path, expected, record_testsuite_property
):
    rng, counts = np.random.default_rng(REPLACEMENTS), Counter()
    kinds = [(form, change) for change in CHANGES for form in FORMATS]
    for number in range(REPLACEMENTS):
        form, change = kinds[number % len(kinds)]
        folder = tmp_path / str(number)
        folder.mkdir()
        source, name = write(folder / "data", form)
        write(folder / "other", form, inverted=True)
        spec = parse_spec(document(source, cache=number % 3 == 0))
        files = folder / "data" / name, folder / "other" / name
        thread = threading.Timer(rng.uniform(0, 0.5), change, files)
        thread.start()
        result = outcome(spec, folder / "run")
        thread.join()
        if f"{name} changed during" in str(result):
            counts[re.search(r"changed during ([a-z ]+[a-z])", result)[1]] += 1
        elif result == expected(form):
            counts["later"] += 1
        else:
            invalid = expected(form, change)
            assert result == invalid or (isinstance(invalid, str) and name in str(result))
            counts["before"] += 1
    record_testsuite_property("replacements", dict(counts))
    assert counts.keys() - {"later", "before"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_during_an_epoch_names_the_file_and_the_epoch(tmp_path, form, change):
    source, name = write(tmp_path / "data", form)
    write(tmp_path / "other", form, inverted=True)

    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == 1:
            change(tmp_path / "data" / name, tmp_path / "other" / name)

    with pytest.raises(DeclnetError, match=rf"{name} changed during epoch 2") as error:
        run(parse_spec(document(source, cache=False)), out=tmp_path / "run", listener=listener)
    assert "start again" in str(error.value)


def test_a_file_changed_in_an_epoch_is_not_resumed_on_but_the_original_is(tmp_path):
    source, _ = write(tmp_path / "data", "csv")
    path, other = tmp_path / "data" / "table.csv", tmp_path / "other" / "table.csv"
    write(tmp_path / "other", "csv", inverted=True)
    spec = document(source, cache=False)
    spec["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 1}]
    whole = run(parse_spec(spec), out=tmp_path / "whole").directory
    original = path.read_bytes()

    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == 1:
            rename_over(path, other)

    with pytest.raises(DeclnetError, match="changed during epoch 2"):
        run(parse_spec(spec), out=tmp_path / "run", listener=listener)
    with pytest.raises(DeclnetError, match="data"):
        resume(tmp_path / "run")
    path.write_bytes(original)
    resume(tmp_path / "run")
    assert result_of(tmp_path / "run") == result_of(whole)


def test_a_mapped_file_changed_in_an_epoch_is_an_error(tmp_path):
    source, _ = write(tmp_path / "data", "npy")
    spec = document(source)
    del spec["data"]["stream"], spec["data"]["prepare"]

    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == 1:
            with (tmp_path / "data" / "x.npy").open("r+b") as file:
                file.seek(-8, os.SEEK_END)
                file.write(bytes(8))

    with pytest.raises(DeclnetError, match=r"x\.npy changed during epoch 2"):
        run(parse_spec(spec), out=tmp_path / "run", listener=listener)
