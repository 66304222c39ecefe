"""Time predictions of exported networks: `python benchmarks/exported.py`.

Each network of SPECS is trained for an epoch and exported to every installed format. A call takes
one raw sample and returns its prediction: for declnet, the file of NumPy and onnxruntime from
Python, for C inside of a loop in C, compiled by gcc -O2 and with -O3 -march=native.

Networks for each of TABLES follow, which prepare their columns: predictions of a record of text, as
from a CSV file, and of 2000 rows with the columns in arrays, by declnet and by onnxruntime.

Predictions from Python take turns. The table has the smallest processor time of several rounds, in
microseconds. Set OPENBLAS_NUM_THREADS=1 to compare on one thread.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from declnet import Dataset, load_spec, open_run, parse_spec, run
from declnet_plugins.exchange import export

SPECS = ("spiral_adam", "digits_convolution", "wine_residual")
TABLES = ("numbers", "categories", "dates")
ROUNDS = 15
ROWS = 2000

MAIN = """
#include <stdio.h>
#include <time.h>
#include "model.c"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

int main(void)
{
    static const float samples[] = {%(samples)s};
    double best = 1e9;
    volatile float total = 0.0f;
    for (int round = 0; round < 400; round++) {
        const double start = seconds();
        for (int call = 0; call < %(calls)d; call++) {
            model_output out;
            if (model_predict_array(samples + call %% %(count)d * %(size)d, &out)) return 1;
            total = total + out.%(field)s[0];
        }
        const double least = (seconds() - start) / %(calls)d;
        if (least < best) best = least;
    }
    printf("%%.4f\\n", best * 1e6);
    return 0;
}
"""


def in_turns(calls: dict[str, Callable[[], Any]], seconds: float = 0.05) -> dict[str, float]:
    """Return the microseconds of each call, the least of several rounds in turns."""
    counts: dict[str, int] = {}
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for name, call in calls.items():
        call()
        start = time.process_time()
        call()
        counts[name] = max(1, int(seconds / max(1e-6, time.process_time() - start)))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(counts[name]):
                call()
            rounds[name].append((time.process_time() - start) / counts[name])
    return {name: min(times) * 1e6 for name, times in rounds.items()}


def in_c(folder: Path, samples: np.ndarray, field: str, *options: str) -> float:
    """Return the microseconds of a prediction by the file `model.c` of a folder."""
    rows = samples.reshape(len(samples), -1).astype(np.float32)
    text = MAIN % {
        "samples": ", ".join(f"{number!s}f" for number in rows.ravel()),
        "count": len(rows),
        "size": rows.shape[1],
        "calls": 20,
        "field": field,
    }
    (folder / "time.c").write_text(text)
    program = folder / "time"
    command = ["gcc", "-std=gnu99", *options, "time.c", "-o", str(program), "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return float(subprocess.run([program], capture_output=True, text=True, check=True).stdout)


def in_numpy(path: Path, samples: np.ndarray) -> Callable[[], Any]:
    """Return a prediction by a file of NumPy."""
    spec = importlib.util.spec_from_file_location("exported_model", path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return lambda: module.predict({"x": samples[:1]})


def in_onnx(path: Path, columns: dict[str, np.ndarray]) -> Callable[[], Any]:
    """Return a prediction by onnxruntime, given the columns or the array of samples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    kinds = {"tensor(double)": float, "tensor(float)": np.float32, "tensor(int64)": np.int64}
    feeds = {}
    for node in session.get_inputs():
        array = columns[node.name] if len(columns) > 1 else next(iter(columns.values()))
        if node.type == "tensor(string)":
            array = np.array(["" if text is None else text for text in array], object)
        else:
            array = array.astype(kinds[node.type])
        feeds[node.name] = array.reshape(len(array), *node.shape[1:])
    return lambda: session.run(None, feeds)


def measured(name: str, folder: Path) -> dict[str, float]:
    """Return the microseconds of a prediction of a spec's network, by what makes it."""
    path = Path(__file__).parents[1] / "specs" / f"{name}.toml"
    run(load_spec(path, {"training.epochs": 1}), out=folder / "run")
    stored = open_run(folder / "run")
    predictor, data, model = stored.predictor(), stored.load_data(), stored.model()
    first = next(iter(data.values()))
    assert isinstance(first, Dataset), "the specs have arrays"
    samples = np.asarray(first.x)[:64]
    calls: dict[str, Callable[[], Any]] = {
        "declnet": lambda: predictor.predict(samples[:1]),
        "declnet, the network alone": lambda: model.predict(samples[:1]),
    }
    try:
        export(stored, folder / "model.py")
        calls["NumPy file"] = in_numpy(folder / "model.py", samples)
        export(stored, folder / "model.onnx")
        calls["ONNX Runtime"] = in_onnx(folder / "model.onnx", {"x": samples[:1]})
    except Exception as error:
        print(f"{name}: {error}")
    least = in_turns(calls)
    if shutil.which("gcc"):
        export(stored, folder / "model.c")
        header = (folder / "model.h").read_text()
        field = "values" if " values[" in header else "probabilities"
        least["C, -O2"] = in_c(folder, samples, field, "-O2")
        least["C, -O3 -march=native"] = in_c(folder, samples, field, "-O3", "-march=native")
    return least


def columns_of(name: str) -> dict[str, np.ndarray]:
    """Return a table of eight numbers, for some names with gaps, categories and dates."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{at}": rng.normal(size=ROWS).round(4) for at in range(8)}
    columns["y"] = sum(columns[f"x{at}"] * (at - 3) for at in range(8)).round(4)
    sizes: dict[str, dict[str, int]] = {"numbers": {}, "categories": {"color": 4, "city": 20}}
    for column, size in sizes.get(name, {"color": 4, "city": 20, "shop": 300}).items():
        texts = np.array([f"{column} {at}" for at in range(size)], object)
        columns[column] = texts[rng.integers(0, size, ROWS)]
    if name != "numbers":
        columns["x0"][::7] = np.nan
    if name == "dates":
        minutes = rng.integers(0, 900_000, ROWS).astype("timedelta64[m]")
        columns["time"] = (np.datetime64("2020-01-01T00:00") + minutes).astype(str).astype(object)
    return columns


def text_of(cell: Any) -> str:
    """Return a cell as a CSV file has it."""
    return "" if cell != cell else str(cell)  # noqa: PLR0124  # NaN


def measured_table(name: str, folder: Path) -> dict[str, float]:
    """Return the microseconds of predictions of a table's rows, by what makes them."""
    columns = columns_of(name)
    before = [{"type": "datetime"}, {"type": "group_rare"}] if name == "dates" else []
    after = ["standardize", "missing_indicator", "impute", "one_hot"]
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(map(text_of, column) for column in columns.values()), strict=True))
    train = {"type": "csv", "path": str(folder / "rows.csv"), "target": "y"}
    prepare = before + (["standardize"] if name == "numbers" else after)
    document = {
        "declnet": 1,
        "data": {"train": train, "prepare": prepare},
        "model": {
            "layers": [
                *({"type": "dense", "units": 256}, "relu") * 2,
                {"type": "dense", "units": 1},
            ],
        },
        "loss": "mean_squared_error",
        "optimizer": "adam",
        "training": {"epochs": 1, "batch_size": 64},
    }
    run(parse_spec(document), out=folder / name)
    stored = open_run(folder / name)
    predictor = stored.predictor()
    del columns["y"]
    path = folder / f"{name}.onnx"
    export(stored, path)
    record = [{key: text_of(column[1]) for key, column in columns.items()}]
    first = {key: column[1:2] for key, column in columns.items()}
    one = in_turns(
        {
            "declnet": lambda: predictor.predict(record),
            "ONNX Runtime": in_onnx(path, first),
        }
    )
    many = in_turns(
        {"declnet": lambda: predictor.predict(columns), "ONNX Runtime": in_onnx(path, columns)}
    )
    rows = {f"{what}, each of {ROWS} rows": least / ROWS for what, least in many.items()}
    return {f"{what}, a row": least for what, least in one.items()} | rows


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*SPECS, *TABLES], help="of specs and tables")
    print("| network | what predicts | µs |\n|---|---|---|")
    for name in parser.parse_args().names:
        measure = measured_table if name in TABLES else measured
        with tempfile.TemporaryDirectory() as folder:
            for what, least in measure(name, Path(folder)).items():
                print(f"| {name} | {what} | {least:.3g} |", flush=True)


if __name__ == "__main__":
    main()
