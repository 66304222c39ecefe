"""Data files that change while they are read: an error, or the result of what was read before."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from functools import partial

import numpy as np
import pytest

from declnet import DeclnetError, Registry, open_run, parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged
from declnet_standard.data import parquet

REPLACEMENTS = int(os.environ.get("DECLNET_TEST_REPLACEMENTS", "12"))
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
    os.replace(shutil.copy(other, f"{path}.new"), path)


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
    """Return what was trained and the hashes of what it was trained on."""
    weights = (folder / "weights.safetensors").read_bytes()
    return weights, json.loads((folder / "manifest.json").read_text())["data"]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return the results, or errors, of runs on unchanged files, by format and kind."""

    def outcome(form, change=None):
        folder = tmp_path_factory.mktemp(form)
        source, name = write(folder / "data", form)
        _, _ = write(folder / "other", form, inverted=True)
        if change is not None:
            change(folder / "data" / name, folder / "other" / name)
        try:
            return result_of(run(parse_spec(document(source)), out=folder / "run").directory)
        except DeclnetError as error:
            return re.sub(r"/\S*/", "", str(error))

    return {(form, change): outcome(form, change) for form in FORMATS for change in (None, *CHANGES)}


def test_a_file_changed_at_any_moment_is_an_error_or_was_read_before(tmp_path, expected, record_property):
    rng, counts = np.random.default_rng(int(os.environ.get("DECLNET_TEST_SEED", "0"))), {}
    kinds = [(form, change) for form in FORMATS for change in CHANGES]
    for number in range(REPLACEMENTS):
        form, change = kinds[number % len(kinds)]
        folder = tmp_path / str(number)
        folder.mkdir()
        source, name = write(folder / "data", form)
        write(folder / "other", form, inverted=True)
        spec = parse_spec(document(source, cache=bool(number // len(kinds) % 2)))
        wait = rng.uniform(0, 0.5)

        def interfere(change=change, name=name, folder=folder, wait=wait):
            time.sleep(wait)
            change(folder / "data" / name, folder / "other" / name)

        thread = threading.Thread(target=interfere)
        thread.start()
        try:
            found = result_of(run(spec, out=folder / "run").directory)
        except DeclnetError as error:
            found = re.sub(r"/\S*/", "", str(error))
        thread.join()
        if isinstance(found, str) and f"{name} changed" in found:
            what = re.search(r"changed (while it was read|during [a-z ]+)", found)[1].strip()
        elif found == expected[form, None]:
            what = "the original's result"
        else:
            invalid = expected[form, change]
            assert found == invalid or (isinstance(invalid, str) and name in str(found))
            what = "changed before it was read"
        counts[what] = counts.get(what, 0) + 1
    print(counts)
    assert sum(counts.values()) - counts.get("changed before it was read", 0) > REPLACEMENTS // 3


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
