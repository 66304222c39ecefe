"""Compare runs with the default number of threads with one thread, next to busy processes.

    python benchmarks/busy_machine.py [--busy 2] [--rounds 5] [--runs images …]

The busy processes are endless loops. Default and one thread take turns, each run in a new process;
the table has the medians of their wall and processor times. Both should be at most 1.3 times those
of one thread. Without busy processes (`--busy 0`), the default should not be slower.
Needs the extras jit and sklearn.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from measuring.machine import cores, load
from measuring.options import positive
from measuring.table import Cells, aligned

SPECS = Path(__file__).parent.parent / "specs"
ONE = ("--set", "engine.threads=1")


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes busy."""
    endless = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(endless) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def written(folder: Path) -> dict[str, tuple[str, ...]]:
    """Write the specs that are not shipped; return the arguments of each run by name."""
    table = folder / "table.csv"
    rows = (f"{i % 97},{i * i % 89},{i % 7},{(i % 97) * (i % 7) / 9}" for i in range(2000))
    table.write_text("\n".join(["a,b,c,y", *rows]))
    declnet("new", folder / "images.toml", "--template", "images")
    declnet(
        "new", folder / "table.toml", "--data", table, "--target", "y", "--preset", "realmlp_td"
    )
    epochs, jit = ("--set", "training.epochs=10"), ("--set", "engine.kernels=jit")
    return {
        "images": (str(folder / "images.toml"),),
        "images, compiled": (str(folder / "images.toml"), *jit),
        "digits_convolution": (str(SPECS / "digits_convolution.toml"), *jit, *epochs),
        "spiral_adam": (str(SPECS / "spiral_adam.toml"), "--set", "training.epochs=2000"),
        "table, realmlp_td": (str(folder / "table.toml"), "--set", "training.epochs=20"),
    }


def declnet(*arguments: object) -> None:
    """Run a command."""
    command = [sys.executable, "-m", "declnet", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def seconds(out: Path, *arguments: str) -> tuple[float, float]:
    """Return the wall and processor time of a run."""
    shutil.rmtree(out, ignore_errors=True)
    start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    declnet("run", *arguments, "--out", out, "--quiet")
    wall, after = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure every spec in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--busy", type=int, default=2)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--runs", nargs="*", help="some of the runs by name")
    options = parser.parse_args()
    rows: list[Cells] = [("run", "one: wall", "cpu", "default: wall", "cpu", "ratio: wall", "cpu")]
    print(f"{cores()} cores, load {load():.1f} before, {options.busy} busy processes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run, arguments in written(folder).items():
            if options.runs and run not in options.runs:
                continue
            seconds(folder / "run", *arguments)  # compiles
            times: tuple[list[tuple[float, float]], ...] = ([], [])
            with busy(options.busy):
                for _ in range(options.rounds):
                    for own, found in zip((ONE, ()), times, strict=True):
                        found.append(seconds(folder / "run", *arguments, *own))
            one, default = ([median(each) for each in zip(*t, strict=True)] for t in times)
            ratios = [b / a for a, b in zip(one, default, strict=True)]
            row: Cells = (run, *(f"{each:.2f}" for each in (*one, *default, *ratios)))
            print(*row, flush=True)
            rows.append(row)
    print("\n".join(aligned(rows)))
    print(f"load {load():.1f} after")


if __name__ == "__main__":
    main()
