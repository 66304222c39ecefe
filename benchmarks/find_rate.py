"""Compare the learning rates of `declnet find-rate` with the best rates of a grid, by accuracy.

    python benchmarks/find_rate.py [--budget 1.0] [--cases spiral-adam …] [--markdown]

Needs the extra sklearn for the cases of tables and images; without it they are skipped. For each
case, every rate of the grid is trained to the end, and so is the suggestion, with the same seed.
The accuracy is measured on the test data, or else on the training data. It also decides the best
rate of the grid: a choice that no user can make, and a handicap for the suggestion. `share` is the
suggestion's accuracy divided by the best one's. Exit code 1 if fewer than 8 cases reach 95 %.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import declnet
from declnet import StepwiseTraining
from declnet.errors import RunError
from declnet.inspection.rates.search import RateSearch, find_rate
from declnet.inspection.rates.trainings import with_rate

from measuring.options import report
from measuring.table import aligned

SPECS = Path(__file__).parent.parent / "specs"
GRID = tuple(float(f"{10 ** (exponent / 2):.2g}") for exponent in range(-10, 3))
"""1e-5 to 10, two rates per factor of ten."""

WANTED, LEAST = 0.95, 8

Table = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A spec to find the learning rate of: a file with overrides, or the sections of a new one."""

    name: str
    file: str | None = None
    overrides: Table | None = None
    sections: Table | None = None

    def spec(self) -> declnet.RunSpec:
        """Return the spec."""
        if self.file is not None:
            return declnet.load_spec(SPECS / self.file, self.overrides)
        return declnet.parse_spec({"declnet": 1, "name": self.name, **(self.sections or {})})

    @property
    def needs_sklearn(self) -> bool:
        """Whether its data comes from scikit-learn."""
        return "sklearn" in repr(self.sections) or self.file in (
            "digits_convolution.toml",
            "wine_residual.toml",
        )


def network(
    name: str, data: Table, hidden: list[int], classes: int, optimizer: Table, **training: Any
) -> Case:
    """Return the case of a dense network with relu, softmax and cross-entropy."""
    layers: list[Any] = []
    for units in hidden:
        layers += [{"type": "dense", "units": units, "weight_initializer": "he_normal"}, "relu"]
    sections = {
        "data": data,
        "model": {"layers": [*layers, {"type": "dense", "units": classes}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": optimizer,
        "training": {"log_every": 10**6, "metrics": ["accuracy"], **training},
    }
    return Case(name, sections=sections)


def spirals(samples: int = 100, **more: Any) -> Table:
    """Return the data of three spirals."""
    source = {"type": "nnfs_spiral", "samples": samples, "classes": 3}
    return {"train": source, "test": source, **more}


def bundled(dataset: str, **more: Any) -> Table:
    """Return a data set of scikit-learn."""
    parts = {
        part: {"type": "sklearn", "dataset": dataset, "part": part} for part in ("train", "test")
    }
    return {**parts, **more}


STANDARDIZED = {"prepare": ["standardize"]}
COSINE = {"type": "cosine", "initial_rate": 0.1}
SHORT = {"training.log_every": 10**6}

CASES = (
    Case("spiral_adam.toml", "spiral_adam.toml", {"training.epochs": 500, **SHORT}),
    Case("spiral_dropout.toml", "spiral_dropout.toml", {"training.epochs": 500, **SHORT}),
    Case("spiral_binary.toml", "spiral_binary.toml", {"training.epochs": 1500, **SHORT}),
    Case("spiral_minibatch.toml", "spiral_minibatch.toml", {"training.epochs": 60, **SHORT}),
    Case("vertical_sgd.json", "vertical_sgd.json", {"training.epochs": 300, **SHORT}),
    Case("wine_residual.toml", "wine_residual.toml", SHORT),
    Case(
        "digits_convolution.toml",
        "digits_convolution.toml",
        {"training.epochs": 3, "optimizer.learning_rate.steps": 69, **SHORT},
    ),
    *(
        Case(
            f"optimizers/{name}.toml", f"optimizers/{name}.toml", {"training.epochs": 2000, **SHORT}
        )
        for name in ("sgd", "sgd_momentum", "adagrad", "rmsprop", "adam")
    ),
    network(
        "spiral, sgd, batches",
        spirals(300),
        [64],
        3,
        {"type": "sgd", "learning_rate": 0.01, "momentum": 0.9},
        epochs=150,
        batch_size=64,
    ),
    network(
        "spiral, adam, cosine",
        spirals(),
        [64, 64],
        3,
        {"type": "adam", "learning_rate": COSINE},
        epochs=600,
    ),
    network(
        "spiral, adamw, validation",
        spirals(300, validation=0.2),
        [64, 64],
        3,
        {"type": "adamw", "learning_rate": 0.001},
        epochs=100,
        batch_size=64,
    ),
    network(
        "spiral, sgd, decay",
        spirals(),
        [128],
        3,
        {"type": "sgd", "learning_rate": 1.0, "decay": 1e-3},
        epochs=1500,
    ),
    network(
        "digits, sgd",
        bundled("digits"),
        [64],
        10,
        {"type": "sgd", "learning_rate": 0.001},
        epochs=15,
        batch_size=32,
    ),
    network(
        "digits, momentum",
        bundled("digits", **STANDARDIZED),
        [64],
        10,
        {"type": "sgd", "learning_rate": 0.5, "momentum": 0.9},
        epochs=10,
        batch_size=64,
    ),
    network(
        "digits, adam, one cycle",
        bundled("digits", **STANDARDIZED),
        [64, 64],
        10,
        {"type": "adam", "learning_rate": {"type": "one_cycle", "max_rate": 1.0}},
        epochs=8,
        batch_size=64,
    ),
    network(
        "wine, adagrad",
        bundled("wine", **STANDARDIZED),
        [32],
        3,
        {"type": "adagrad", "learning_rate": 1.0},
        epochs=40,
        batch_size=16,
    ),
    network(
        "wine, unscaled, adam",
        bundled("wine"),
        [32],
        3,
        {"type": "adam", "learning_rate": 0.1},
        epochs=200,
    ),
    network(
        "breast cancer, rmsprop",
        bundled("breast_cancer", **STANDARDIZED),
        [32, 32],
        2,
        {"type": "rmsprop", "learning_rate": 0.1},
        epochs=20,
        batch_size=32,
    ),
    network(
        "breast cancer, adamw, warmup",
        bundled("breast_cancer", **STANDARDIZED),
        [64],
        2,
        {"type": "adamw", "learning_rate": {"type": "warmup", "steps": 50, "schedule": COSINE}},
        epochs=20,
        batch_size=32,
    ),
)
"""The cases; most begin with a rate that is far from the best one."""


def accuracy(spec: declnet.RunSpec) -> float:
    """Train to the end; return the accuracy of the test data, or else of the training data."""
    try:
        metrics = declnet.run(spec).metrics
    except RunError:
        return 0.0
    accuracies = metrics.get("test", metrics["train"])
    name = next(name for name in accuracies if name.endswith("accuracy"))
    return accuracies[name]


@dataclass(frozen=True)
class Result:
    """What one case gave."""

    case: Case
    search: RateSearch
    reached: float
    before: float
    best_rate: float
    best: float

    @property
    def share(self) -> float:
        """The accuracy with the suggestion, divided by the best of the grid."""
        return self.reached / self.best

    def cells(self) -> tuple[str, ...]:
        """Return its row."""
        return (
            self.case.name,
            f"{self.search.current:g}",
            f"{self.before:.3f}",
            f"{self.search.suggested:g}",
            f"{self.reached:.3f}",
            f"{self.best_rate:g}",
            f"{self.best:.3f}",
            f"{self.share:.1%}",
            f"{self.search.runs:.2f}",
        )


HEADERS = (
    "case",
    "its rate",
    "accuracy",
    "suggested",
    "accuracy",
    "best of grid",
    "accuracy",
    "share",
    "runs",
)


def measure(case: Case, budget: float) -> Result:
    """Search, and train with the suggestion, the spec's own rate and the grid."""
    spec = case.spec()
    search = find_rate(StepwiseTraining(spec), budget=budget)
    grid = {rate: accuracy(with_rate(spec, rate)) for rate in GRID}
    best_rate = max(GRID, key=grid.__getitem__)
    reached, before = (
        accuracy(with_rate(spec, rate)) for rate in (search.suggested, search.current)
    )
    return Result(case, search, reached, before, best_rate, grid[best_rate])


def main() -> None:
    """Measure case by case, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--budget", type=float, default=1.0, help="as of declnet find-rate [1]")
    parser.add_argument("--cases", nargs="+", choices=[case.name for case in CASES])
    parser.add_argument("--markdown", action="store_true", help="print the table for the docs")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = [case for case in CASES if not arguments.cases or case.name in arguments.cases]
    if find_spec("sklearn") is None:
        report("without scikit-learn, its data sets are skipped")
        chosen = [case for case in chosen if not case.needs_sklearn]
    results = []
    for case in chosen:
        results.append(measure(case, arguments.budget))
        report(f"{case.name}: {results[-1].share:.1%}")
    rows = [HEADERS, *(result.cells() for result in results)]
    if arguments.markdown:
        rows.insert(1, tuple("---" for _ in HEADERS))
        print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    else:
        print("\n".join(aligned(rows)))
    enough = sum(result.share >= WANTED for result in results)
    print(f"\n{enough} of {len(results)} reach {WANTED:.0%} of the best accuracy of the grid")
    if enough < min(LEAST, len(results)):
        sys.exit(1)


if __name__ == "__main__":
    main()
