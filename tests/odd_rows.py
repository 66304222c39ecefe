"""Rows of which some cannot be predicted, in every input format."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import numpy as np

from declnet import text_of

GOOD = {
    "size": ["1.5", " 2 ", "1e1", "\t4", "", "NA", 3, 0.5, None],
    "income": ["1", " 100.5", 20, 0.25],
    "count": ["1", "2 ", 3, 2.0],
    "late": ["true", " False", "1", True, 0],
    "color": ["red", " red ", "blue\t", "", "null", None],
    "day": ["2024-01-31", " 2024-03-01 ", "", date(2024, 2, 1), None],
    "price": ["$1,250.50", " $ 4 ", "($3.00)", "12", 1250.5],
}
"""Valid cells of each column."""

WRONG = {
    "size": ["abc", "inf", "1_000", float("-inf")],
    "income": ["-5", "0", -0.5, 0, "", "nan", "1e999"],
    "count": ["4", "1.5", 2.5, "", "x"],
    "late": ["2", "yes", 0.5],
    "color": ["green", "Red"],
    "day": ["2024-02-31", "31.1.2024", "soon"],
    "price": ["$1.5.3", "free", "", "1_0"],
}
"""Invalid cells of each column."""

TRAINING = {
    "size": ["1.5", "2.25", "", "4.5"],
    "income": ["1", "20.5", "300", "4"],
    "count": ["1", "2", "3", "2"],
    "late": ["true", "false", "false", "true"],
    "color": ["red", "blue", "red", ""],
    "day": ["2024-01-31", "2024-02-29", "2024-03-03", ""],
    "price": ["$1,000.00", "$3.50", "12", "$4"],
    "label": ["low", "high", "low", "high"],
}

PREPARE = [
    {"type": "log", "columns": ["income"]},
    {"type": "datetime", "columns": ["day"]},
    {"type": "one_hot", "columns": ["color"], "missing": "zeros", "unknown": "error"},
    {"type": "one_hot", "columns": ["count"], "unknown": "error"},
    {"type": "impute", "columns": ["size", "day"]},
    "standardize",
]

SPEC = {
    "declnet": 1,
    "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
    "loss": "categorical_crossentropy",
    "optimizer": {"type": "adam", "learning_rate": 0.1},
    "training": {"epochs": 3},
}


def odd_rows(count, share=0.3, seed=0):
    """Return rows, of which about `share` have one invalid cell."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        row = {name: cells[rng.integers(len(cells))] for name, cells in GOOD.items()}
        if rng.random() < share:
            name = list(WRONG)[rng.integers(len(WRONG))]
            row[name] = WRONG[name][rng.integers(len(WRONG[name]))]
        rows.append(row)
    return rows


def text(value):
    """Return a value as written in a text file."""
    return value.isoformat() if isinstance(value, date) else text_of(value) or ""


def csv_text(rows):
    """Return rows as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([list(rows[0]), *([text(value) for value in row.values()] for row in rows)])
    return file.getvalue()


def json_rows(rows):
    """Return rows for JSON, with dates and infinity as text."""
    wild = (float("inf"), float("-inf"))
    return [
        {n: text(v) if isinstance(v, date) or v in wild else v for n, v in row.items()}
        for row in rows
    ]


def json_lines(rows):
    """Return rows as lines of JSON."""
    return "".join(json.dumps(row) + "\n" for row in json_rows(rows))


def training_file(path, copies=10):
    """Write the training data."""
    rows = list(zip(*TRAINING.values(), strict=True)) * copies
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([TRAINING, *rows])
    return path
