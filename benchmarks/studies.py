"""Compare the processor time of groups of runs: `python benchmarks/studies.py [NAME …]`.

Each pair is measured in turns, in whole processes from their start to the end; the ratio is that of
the least times. `tune` searches, with storage in SQLite and with the searcher `random`, 8 trials of
300 logged epochs, and `sweep` trains 8 such points; `digits` is a study of 60 trials beside Optuna
in memory with scikit-learn's MLPClassifier; `small` is a sweep of 500 small runs beside a loop of
`declnet.run` that keeps nothing; `seeds` are 64 seeds beside 64 runs.
"""

import resource
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import declnet
import numpy as np

from measuring.options import positive
from measuring.processes import ROOM, Processes
from measuring.table import aligned

RATES = tuple(0.002 * 1.3**number for number in range(8))
DIGITS_TRIALS, DIGITS_EPOCHS, SMALL_RUNS, SEEDS = 60, 10, 500, 64


def spiral(epochs: int, log_every: int, **sections: Any) -> dict[str, Any]:
    """Return the spec of a network for three spirals."""
    layers = [{"type": "dense", "units": 16}, "relu", {"type": "dense", "units": 3}, "softmax"]
    return {
        "name": "small",
        "data": {"train": {"type": "npz", "path": "data.npz"}, "validation": 0.2},
        "model": {"layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "training": {"epochs": epochs, "log_every": log_every, "metrics": ["accuracy"]},
        **sections,
    }


def write_spiral() -> None:
    """Write three spirals of 100 points."""
    rng, labels = np.random.default_rng(0), np.repeat(np.arange(3), 100)
    radius = np.tile(np.linspace(0, 1, 100), 3)
    angle = 4 * (labels + radius) + 0.2 * rng.normal(size=300)
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    np.savez("data.npz", x=x, y=labels)


def tune(search: str, jobs: str) -> None:
    """Search 8 trials that are trained to their end."""
    pruner = {"type": search, "pruner": "none"}
    section = {"trials": 8, "search": pruner, "space": {"optimizer.learning_rate": [*RATES]}}
    declnet.tune(spiral(300, 1, tune=section), out="out", jobs=int(jobs))


def sweep(jobs: str) -> None:
    """Train the points that `tune` searches."""
    section = {"optimizer.learning_rate": [*RATES]}
    declnet.sweep(spiral(300, 1, sweep=section), out="out", jobs=int(jobs))


def digits() -> None:
    """Search a network for digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    space = {
        "optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
        "model.layers.0.units": {"low": 16, "high": 128},
    }
    layers = [{"type": "dense", "units": 64}, "relu", {"type": "dense", "units": 10}, "softmax"]
    spec = {
        "name": "digits",
        "data": {"validation": 0.2},
        "model": {"layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "training": {"epochs": DIGITS_EPOCHS, "batch_size": 64, "metrics": ["accuracy"]},
        "tune": {
            "trials": DIGITS_TRIALS,
            "search": {"type": "optuna", "pruner": "none"},
            "space": space,
        },
    }
    declnet.tune(spec, (x / 16, y), "out")


def optuna_digits() -> None:
    """Search the same by Optuna alone, with scikit-learn's network."""
    import warnings

    import optuna
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.2, random_state=0)

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        units = trial.suggest_int("units", 16, 128)
        model = MLPClassifier(
            (units,),
            batch_size=64,
            learning_rate_init=rate,
            alpha=0.0,
            max_iter=DIGITS_EPOCHS,
            n_iter_no_change=DIGITS_EPOCHS,
        )
        return float(model.fit(x_train, y_train).score(x_test, y_test))

    sampler = optuna.samplers.TPESampler(seed=0)
    optuna.create_study(direction="maximize", sampler=sampler).optimize(objective, DIGITS_TRIALS)


def small(jobs: str = "1") -> None:
    """Train 500 points of 5 epochs."""
    rates = [0.0001 * number for number in range(1, SMALL_RUNS + 1)]
    section = {"optimizer.learning_rate": rates}
    declnet.sweep(spiral(5, 1, sweep=section), out="out", jobs=int(jobs))


def small_loop() -> None:
    """Train the same one by one."""
    for number in range(1, SMALL_RUNS + 1):
        spec = spiral(5, 1)
        spec["optimizer"]["learning_rate"] = 0.0001 * number
        declnet.run(spec)


def seeds(jobs: str = "1") -> None:
    """Train 64 seeds."""
    declnet.run(spiral(300, 50), out="out", seeds=range(SEEDS), jobs=int(jobs))


def one_run(seed: str) -> None:
    """Train one seed."""
    declnet.run({**spiral(300, 50), "seed": int(seed)}, out=f"out-{seed}")


CASES: Mapping[str, Callable[..., None]] = {
    case.__name__: case
    for case in (tune, sweep, digits, optuna_digits, small, small_loop, seeds, one_run)
}
PAIRS: Mapping[str, tuple[list[list[str]], list[list[str]], float]] = {
    **{
        f"{search}, {jobs} at once": ([["tune", search, jobs]], [["sweep", jobs]], 1.3)
        for search in ("optuna", "random")
        for jobs in ("1", "2")
    },
    "digits": ([["digits"]], [["optuna_digits"]], 1.5),
    "small": ([["small", "1"]], [["small_loop"]], 15 / 12.6),
    "seeds": ([["seeds", "1"]], [["one_run", str(seed)] for seed in range(SEEDS)], 0.29),
}
"""Commands on both sides, and the most that the first may take of the second."""


def seconds(commands: list[list[str]], processes: Processes) -> float:
    """Return the processor's time of commands one after another, in an empty folder."""
    total = 0.0
    for command in commands:
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            processes.run(
                [sys.executable, str(Path(__file__).resolve()), "--case", *command], Path(folder)
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        total += after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return total


def main() -> int:
    """Measure in turns and print; return 1 if a ratio is over its aim."""
    parser = ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", choices=[[], *PAIRS], metavar="NAME")
    parser.add_argument("--turns", type=positive, default=2)
    parser.add_argument("--case", nargs="+", help="one side of a pair, in this process")
    options = parser.parse_args()
    if options.case:
        write_spiral()
        name, *arguments = options.case
        CASES[name](*arguments)
        return 0
    lines = [("pair", "CPU s", "beside", "ratio", "aim")]
    with tempfile.TemporaryDirectory() as caches:
        processes = Processes(2, Path(caches))
        over = False
        for name in options.names or PAIRS:
            ours, theirs, aim = PAIRS[name]
            seconds(theirs[:1], processes), seconds(ours[:1], processes)  # compiles
            pairs = [
                (seconds(ours, processes), seconds(theirs, processes)) for _ in range(options.turns)
            ]
            first, second = map(min, zip(*pairs, strict=True))
            over |= first > aim * second
            times = f"{first:.2f}", f"{second:.2f}", f"{first / second:.2f}", f"{aim:.2f}"
            lines.append((name, *times))
            print(aligned(lines[-2:])[-1], file=sys.stderr, flush=True)
    print("\n".join(aligned(lines)))
    return int(over)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOM))
    sys.exit(main())
