"""Time one prediction of exported networks: `python benchmarks/exported.py`.

Each network of SPECS is trained for an epoch and exported to every installed format. A call takes
one raw sample and returns its prediction: for declnet, the file of NumPy and onnxruntime from
Python, for C inside of a loop in C, compiled by gcc -O2 and with -O3 -march=native. The smallest
of several rounds is printed, in microseconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from declnet import Dataset, load_spec, open_run, run
from declnet_plugins.exchange import export

SPECS = ("spiral_adam", "digits_convolution", "wine_residual")
ROUNDS = 7

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
    volatile float kept = 0.0f;
    for (int round = 0; round < 400; round++) {
        const double start = seconds();
        for (int call = 0; call < %(calls)d; call++) {
            model_output out;
            if (model_predict_array(samples + call %% %(count)d * %(size)d, &out)) return 1;
            kept = kept + out.%(field)s[0];
        }
        const double each = (seconds() - start) / %(calls)d;
        if (each < best) best = each;
    }
    printf("%%.4f\\n", best * 1e6);
    return 0;
}
"""


def best_of(call: Callable[[], Any], seconds: float = 0.1) -> float:
    """Return the microseconds of a call, the least of several rounds."""
    call()
    start = time.perf_counter()
    call()
    count = max(1, int(seconds / (time.perf_counter() - start)))
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(count):
            call()
        rounds.append((time.perf_counter() - start) / count)
    return min(rounds) * 1e6


def in_c(folder: Path, samples: np.ndarray, field: str, *options: str) -> float:
    """Return the microseconds of a prediction by the file `model.c` of a folder."""
    rows = samples.reshape(len(samples), -1).astype(np.float32)
    text = MAIN % {
        "samples": ", ".join(f"{each!s}f" for each in rows.ravel()),
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


def in_numpy(path: Path, samples: np.ndarray) -> float:
    """Return the microseconds of a prediction by a file of NumPy."""
    found = importlib.util.spec_from_file_location("exported_model", path)
    assert found is not None
    module = importlib.util.module_from_spec(found)
    assert found.loader is not None
    found.loader.exec_module(module)
    return best_of(lambda: module.predict({"x": samples[:1]}))


def in_onnx(path: Path, samples: np.ndarray) -> float | None:
    """Return the microseconds of a prediction by onnxruntime; None if it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    kinds = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(int64)": np.int64}
    one = {given.name: samples[:1].astype(kinds[given.type])}
    return best_of(lambda: session.run(None, one))


def measured(name: str, folder: Path) -> dict[str, float | None]:
    """Return the microseconds of a prediction of a spec's network, by what makes it."""
    path = Path(__file__).parents[1] / "specs" / f"{name}.toml"
    run(load_spec(path, {"training.epochs": 1}), out=folder / "run")
    stored = open_run(folder / "run")
    predictor, data = stored.predictor(), stored.load_data()
    first = next(iter(data.values()))
    assert isinstance(first, Dataset), "the specs have arrays"
    samples = np.asarray(first.x)[:64]
    found: dict[str, float | None] = {"declnet": best_of(lambda: predictor.predict(samples[:1]))}
    model = stored.model()
    found["declnet, the network alone"] = best_of(lambda: model.predict(samples[:1]))
    for suffix, call in ((".py", in_numpy), (".onnx", in_onnx)):
        try:
            export(stored, folder / f"model{suffix}")
        except Exception as error:
            print(f"{name}{suffix}: {error}")
            continue
        found[{".py": "NumPy file", ".onnx": "ONNX Runtime"}[suffix]] = call(
            folder / f"model{suffix}", samples
        )
    if shutil.which("gcc"):
        export(stored, folder / "model.c")
        header = (folder / "model.h").read_text()
        field = "values" if " values[" in header else "probabilities"
        found["C, -O2"] = in_c(folder, samples, field, "-O2")
        found["C, -O3 -march=native"] = in_c(folder, samples, field, "-O3", "-march=native")
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", default=SPECS)
    print("| network | what predicts | µs |\n|---|---|---|")
    for name in parser.parse_args().specs:
        with tempfile.TemporaryDirectory() as folder:
            for what, each in measured(name, Path(folder)).items():
                print(f"| {name} | {what} | {'-' if each is None else f'{each:.3g}'} |", flush=True)


if __name__ == "__main__":
    main()
