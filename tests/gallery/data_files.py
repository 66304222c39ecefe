"""The data files that cases name, written where a case runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SAMPLES = 60
LABELS = np.arange(SAMPLES) % 3
POINTS = np.random.default_rng(3).normal(size=(SAMPLES, 3))
IMAGES = np.random.default_rng(4).random((SAMPLES, 1, 8, 8))

ARRAYS: Mapping[str, Mapping[str, np.ndarray]] = {
    "points.npz": {"x": POINTS[:, :2], "y": LABELS},
    "points_with_color.npz": {"x": POINTS, "y": LABELS},
    "labels_from_one.npz": {"x": POINTS[:, :2], "y": LABELS + 1},
    "labels_from_minus_one.npz": {"x": POINTS[:, :2], "y": LABELS - 1},
    "identifiers.npz": {"x": POINTS[:, :2], "y": np.where(LABELS, LABELS, 10**9)},
    "named_labels.npz": {"x": POINTS[:, :2], "labels": LABELS},
    "one_hot.npz": {"x": POINTS[:, :2], "y": np.eye(4)[np.arange(SAMPLES) % 4]},
    "answers.npz": {"x": POINTS[:, :2], "y": LABELS % 2},
    "prices.npz": {"x": POINTS[:, :2], "y": POINTS[:, 2]},
    "two_prices.npz": {"x": POINTS[:, :2], "y": POINTS[:, 1:]},
    "images.npz": {"x": IMAGES, "y": LABELS},
    "gray_images.npz": {"x": IMAGES[:, 0], "y": LABELS},
    "words.npz": {"x": np.arange(SAMPLES * 5).reshape(SAMPLES, 5) % 50, "y": LABELS},
    "songs.npz": {
        "notes": np.arange(SAMPLES * 5).reshape(SAMPLES, 5) % 12,
        "tempo": POINTS[:, :1],
        "y": LABELS,
    },
    "series.npz": {
        "x": np.random.default_rng(5).normal(size=(SAMPLES, 6, 2)),
        "lengths": np.arange(SAMPLES) % 7,
        "shares": POINTS[:, 0],
        "wrong_lengths": np.where(np.arange(SAMPLES) == 41, 9, np.arange(SAMPLES) % 7),
        "float_lengths": np.arange(SAMPLES) % 7 / 1.0,
        "every_step": np.arange(SAMPLES * 6).reshape(SAMPLES, 6),
        "y": LABELS,
    },
    "empty.npz": {"x": POINTS[:0, :2], "y": LABELS[:0]},
}

WEIGHTS: Mapping[str, Mapping[str, np.ndarray]] = {
    "wider.safetensors": {
        "dense_1.weights": np.zeros((2, 16)),
        "dense_1.biases": np.zeros(16),
        "dense_2.weights": np.zeros((16, 3)),
        "dense_2.biases": np.zeros(3),
    },
}

FLOWERS = [f"{row},{('red', 'blue')[row % 2]},kind {row % 3}" for row in range(30)]

DAYS = [f"2024-05-{day:02},{('sun', 'rain')[day % 2]},{100 + day % 7}" for day in range(1, 31)]
VISITS = ["day,weather,visits", *DAYS]

CITIES = [
    "city,day,weather,visits",
    *(
        f"{city},{day}"
        for day in DAYS
        for city in ("Bern", "Ulm")
        if city == "Bern" or day > "2024-05-26"
    ),
]

CHANCE = np.random.default_rng(5)
PATIENTS = [
    f"{1000 + number},{age},{dose:.3f},{('mild', 'severe')[number % 2]},{80 + 10 * (number % 2)},"
    f"{200 * dose:.1f}"
    for number, (age, dose) in enumerate(
        zip(CHANCE.integers(18, 90, 240), CHANCE.normal(5, 1, 240), strict=True)
    )
]
PATIENT = "patient,age,dose,outcome,code,milligrams"


def _sizes(count: int) -> list[str]:
    return [f"{'-' if row == 7 else row / 2},kind {row % 3}" for row in range(count)]


CELLS = (
    ("1", "NA", "1e3", "", "N/A", "-0.5", "nan", "null", "?", "7"),
    ("a", "b c", "NaN", "-", "ä", "", "1", "1.0", "true", "x\u2028y"),
    ("true", "false", "true", "true", "false", "", "false", "true", "false", "true"),
    *[[f"{day:02}.03.2024" for day in range(1, 11)], [f'"$1,{row}00.50"' for row in range(10)]],
)
"""Cells as they are found in files: numbers, texts, answers, dates and amounts."""


def write_database(path: Path) -> None:
    """Write an SQLite file with the flowers."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE flowers (size REAL, color TEXT, species TEXT)")
        rows = [flower.split(",") for flower in FLOWERS]
        database.executemany("INSERT INTO flowers VALUES (?, ?, ?)", rows)
        database.commit()


def write_workbook(path: Path) -> None:
    """Write an Excel workbook with the flowers."""
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "flowers"
    for row in (["size", "color", "species"], *(flower.split(",") for flower in FLOWERS)):
        book.active.append(row)
    book.save(path)


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write bytes in the format of MNIST's files."""
    sizes = np.array(array.shape, ">i4").tobytes()
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def write_parquet(path: Path) -> None:
    """Write a Parquet file with the flowers."""
    import polars as pl

    rows = [row.split(",") for row in FLOWERS]
    columns = {"size": [float(row[0]) for row in rows]}
    columns |= {"color": [row[1] for row in rows], "species": [row[2] for row in rows]}
    pl.DataFrame(columns).write_parquet(path)


TEXTS: Mapping[str, str] = {
    "patients.csv": "\n".join([PATIENT, *PATIENTS]),
    "mild_patients.csv": "\n".join(
        [PATIENT, *(f"{row},{20 + row},{4 + row / 60},mild,80,900" for row in range(60))]
    ),
    "patients_twice.csv": "\n".join([PATIENT, *PATIENTS, *PATIENTS]),
    "many_values.csv": "\n".join(
        [
            "age,code,outcome",
            *(f"{20 + row % 40},c{row},{'mild' if row % 3 else 'no'}" for row in range(300)),
        ]
    ),
    "flowers.csv": "\n".join(["size,color,species", *FLOWERS]),
    "flowers_with_gaps.csv": "\n".join(["size,color,species", *FLOWERS[:6], ",red,kind 0"]),
    "described_flowers.csv": "\n".join(
        [
            "size,description,species",
            *(f"{row},a {row % 4}-leaf flower,{row % 3}" for row in range(30)),
        ]
    ),
    "visits.csv": "\n".join(VISITS),
    "shuffled_visits.csv": "\n".join([*VISITS[:10], VISITS[11], VISITS[10], *VISITS[12:]]),
    "visits_by_city.csv": "\n".join([CITIES[0], *sorted(CITIES[1:])]),
    "shuffled_visits_by_city.csv": "\n".join([*CITIES[:9], *CITIES[11:], *CITIES[9:11]]),
    "visits_without_a_city.csv": "\n".join([*CITIES[:-1], ",2024-06-01,sun,7"]),
    "earlier_visits.csv": "\n".join(VISITS).replace("2024-05", "2023-05"),
    "dated_flowers.csv": "\n".join(
        [
            "size,species,picked",
            *(f"{row},kind {row % 3},2024-01-{row:02}" for row in range(1, 30)),
            "30,kind 0,",
        ]
    ),
    "dated_days.csv": "\n".join(
        ["picked,species", *(f"2024-01-{row:02},kind {row % 3}" for row in range(1, 31))]
    ),
    "one_kind_of_flower.csv": "size,species\n1.5,rose\n1.7,rose\n1.2,rose\n",
    "priced_flowers.csv": "\n".join(
        ["price,species", *(f'"${row + 1},000",kind {row % 3}' for row in range(30))]
    ),
    "amounts.csv": "\n".join(
        ["size,price", *(f'{row},"{row + 100}.250,50"' for row in range(150))]
    ),
    "ragged.csv": "size,species\n1.5,rose\n1.7,lily, white\n1.2,rose\n",
    "flowers_with_a_dash.csv": "\n".join(["size,species", *_sizes(30)]),
    "cells.csv": "\n".join(
        [
            "number,text,yes,date,money,code,kind",
            *(
                f"{number}, {text} ,{yes},{date},{money},{row:02},kind {row % 2}"
                for row, (number, text, yes, date, money) in enumerate(zip(*CELLS, strict=True))
            ),
        ]
    ),
    "flowers.tsv": "\n".join(
        ["size\tcolor\tspecies", *(row.replace(",", "\t") for row in FLOWERS)]
    ),
    "lines.jsonl": "\n".join(
        json.dumps(dict(zip(("size", "color", "species"), row.split(","), strict=True)))
        for row in FLOWERS
    ),
    "flowers.jsonl": '{"size": 1.5, "species": "rose"}\n{"size": 1.7, "species": lily}\n',
    "table.npz": "x1,x2,y\n0.1,0.2,1\n",
    "letter.safetensors": "Dear reader,\n",
}


def write_data_files(folder: Path, texts: str) -> None:
    """Write the data files that some texts name."""
    for name, write in _writers().items():
        if f'"{name}"' in texts:
            write(folder / name)


def _writers() -> dict[str, Callable[[Path], object]]:
    writers: dict[str, Callable[[Path], object]] = {
        "flowers.xlsx": write_workbook,
        "flowers.parquet": write_parquet,
        "images-idx3-ubyte": lambda path: write_idx(path, (IMAGES[:, 0] * 255).astype(np.uint8)),
        "labels-idx1-ubyte": lambda path: write_idx(path, LABELS.astype(np.uint8)),
        "points.npy": lambda path: np.save(path, POINTS[:, :2]),
        "labels.npy": lambda path: np.save(path, LABELS),
        "sqlite:///flowers.db": lambda path: write_database(path.parents[1] / "flowers.db"),
    }
    for name, arrays in ARRAYS.items():
        writers[name] = lambda path, arrays=arrays: np.savez(path, **arrays)
    for name, weights in WEIGHTS.items():
        writers[name] = lambda path, weights=weights: save_file(dict(weights), path)
    for name, text in TEXTS.items():
        writers[name] = lambda path, text=text: path.write_text(text, "utf-8")
    return writers
