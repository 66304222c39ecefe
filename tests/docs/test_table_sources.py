"""Table formats that a page shows in full, which support everything that CSV does."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROWS = 90
NAMES = ("length", "width", "color", "kind")
FORMATS = {"fixed_width": ".fwf", "numpy_rows": ".rows.npy"}


def rows_of_table() -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(3)
    kinds = np.arange(ROWS) % 3
    length, width = kinds + rng.normal(0, 0.2, ROWS), rng.normal(0, 5, ROWS) - 9 * kinds
    return [
        (round(length[at], 3), round(width[at], 2), ["red", "blue"][at % 2], f"kind_{kinds[at]}")
        for at in range(ROWS)
    ]


def write(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    """Write a table in the format of the file's name; a cell of text stays text in each."""
    if path.suffix == ".csv":
        lines = [",".join(map(str, row)) for row in (NAMES, *rows)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
    elif path.suffix == ".fwf":
        lines = ["".join(f"{cell!s:10}" for cell in row) for row in (NAMES, *rows)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
    else:
        kinds = [
            "U9" if any(isinstance(row[at], str) for row in rows) else float for at in range(4)
        ]
        np.save(path, np.array(rows, list(zip(NAMES, kinds, strict=True))))
    return path


def test_commands_treat_each_format_as_they_treat_csv(
    example_projects: dict, command_in: Any, tmp_path: Path
) -> None:
    pytest.importorskip("polars", reason="streams of CSV files need the extra data")
    command = command_in(tmp_path, example_projects["declnet-counts"].folder)
    results = {}
    for name, suffix in {"csv": ".csv", **FORMATS}.items():
        data = write(tmp_path / f"flowers{suffix}", rows_of_table())
        bad = rows_of_table()
        bad[4] = ("wide", *bad[4][1:])
        write(tmp_path / f"bad{suffix}", bad)
        spec, run, stream = (tmp_path / f"{name}{end}" for end in (".toml", "-run", "-stream"))
        command.succeeds("new", spec, "--data", data, "--target", "kind", "--folds", "1")
        fast = ("--quiet", "--set", "training.epochs=3")
        command.succeeds("run", spec, *fast, "--out", run)
        streamed = (
            "--set",
            "data.stream={window=40}",
            "--set",
            "data.split.method=random",
            "--set",
            "training.batch_size=16",
        )
        command.succeeds("run", spec, *fast, *streamed, "--out", stream)
        manifests = [
            json.loads((run / "manifest.json").read_text("utf-8")) for run in (run, stream)
        ]
        refused = command("predict", run, tmp_path / f"bad{suffix}")
        empty = command("predict", run, tmp_path / f"bad{suffix}", "--on-error", "empty")
        assert refused.returncode == 2
        results[name] = {
            "spec": spec.read_text("utf-8").replace(name, "csv").replace(suffix, ".csv").split(),
            "metrics": [
                json.loads((run / "metrics.json").read_text("utf-8")) for run in (run, stream)
            ],
            "data": [manifest["data"] for manifest in manifests],
            "predict": command.succeeds("predict", run, data),
            "evaluate": command.succeeds("evaluate", run, "--data", data).replace(suffix, ""),
            "refused": refused.stderr.replace(suffix, ""),
            "empty": (empty.returncode, empty.stdout),
        }
    expected = results.pop("csv")
    assert 'bad: row 5, column "length": "wide" is not a number' in expected["refused"]
    assert len(list(csv.DictReader(expected["predict"].splitlines()))) == ROWS
    for type_, result in results.items():
        for name, value in result.items():
            assert value == expected[name], (type_, name)
