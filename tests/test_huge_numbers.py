"""Huge numbers in data or specs: work and memory do not grow with the number."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import declnet
from declnet import DeclnetError, SpecError, default_registry
from declnet.spec.model import RunSpec
from declnet.training.checks.check import check_spec

resource = pytest.importorskip("resource", reason="memory cannot be limited")
if sys.platform != "linux":
    pytest.skip("memory cannot be limited", allow_module_level=True)

SAMPLES, HUGE = 50, 10**18
ROOM, PATIENCE = 2**29, 5.0
"""Limits of bytes and seconds of processor time, far above the usual milliseconds."""

RNG = np.random.default_rng(0)
Y = np.arange(SAMPLES) % 3
NUMBERS = RNG.normal(size=(SAMPLES, 4))
TABLE = {"a": NUMBERS[:, 0], "b": Y.astype(float), "t": np.array(["x", "y z"] * 25, object)}
SHAPES: tuple[Any, ...] = (
    NUMBERS,
    RNG.normal(size=(SAMPLES, 6, 4)),
    RNG.normal(size=(SAMPLES, 4, 8, 8)),
    np.arange(SAMPLES * 6).reshape(SAMPLES, 6) % 3,
    TABLE,
)
LAST = [{"type": "flatten"}, {"type": "dense", "units": 3}, {"type": "softmax"}]


@pytest.fixture(autouse=True, scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Start polars' threads, which reserve memory, before limiting memory."""
    with contextlib.suppress(ImportError):
        import polars as pl

        pl.DataFrame({"a": [1]}).write_csv(tmp_path_factory.mktemp("started") / "a.csv")


class EndlessError(BaseException):
    """Raised when work grows with a number; not caught as a component's error."""


@contextmanager
def limited() -> Iterator[None]:
    """Raise an exception if memory or work grows with a number."""

    def end(*_: object) -> None:
        raise EndlessError

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, end)
    room = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGPROF, before)


def document(**sections: Any) -> dict[str, Any]:
    return {
        "declnet": 1,
        "model": {"layers": LAST},
        "loss": "categorical_crossentropy",
        "optimizer": "sgd",
        **sections,
        "training": {"epochs": 1, "max_steps": 2, **sections.get("training", {})},
    }


def errors(document: Mapping[str, Any], x: Any = None) -> list[str]:
    """Check a spec, and run it if it has no errors; return the errors."""
    data = None if x is None else {"train": (x, Y)}
    with limited():
        try:
            spec: RunSpec = declnet.parse_spec(document)
            if data is None:
                messages = [problem.message for problem in check_spec(spec).errors]
                if messages:
                    return messages
            declnet.run(spec, data)
        except SpecError as error:
            return [problem.message for problem in error.problems]
        except DeclnetError as error:
            if isinstance(error.__cause__, MemoryError):
                raise error.__cause__ from error
            return [str(error)]
        return []


LABELS = (10**9, -(2**63), 2**64 - 1)
LOSSES = {
    "categorical_crossentropy": LAST,
    "binary_crossentropy": [{"type": "dense", "units": 1}, "sigmoid"],
    "ordinal": LAST[:-1],
    "mean_squared_error": [{"type": "dense", "units": 1}],
}
KEYS: tuple[dict[str, Any], ...] = (
    {},
    {"class_weights": "balanced"},
    {"class_weights": {"0": 2.0}},
    {"class_weights": {"1000000000": 2.0}},
    {"validation": 0.2, "split": {"method": "stratified"}},
    {"folds": 3, "split": {"method": "stratified"}},
    {"prepare": ["standardize"]},
    {"stream": {"window": 20}, "class_weights": "balanced"},
)


@pytest.mark.parametrize("suffix", ["npz", "csv"])
@pytest.mark.parametrize("label", LABELS)
def test_one_huge_label_costs_nothing(label: int, suffix: str, tmp_path: Path) -> None:
    labels = [label, *Y[1:].tolist()]
    path = tmp_path / f"data.{suffix}"
    train = {"type": suffix, "path": str(path)}
    if suffix == "npz":
        np.savez(path, x=NUMBERS, y=np.array(labels, "u8" if label >= 2**63 else "i8"))
    else:
        train["target"] = "y"
        rows = [f"{x[0]},{x[1]},{y}" for x, y in zip(NUMBERS, labels, strict=True)]
        path.write_text("\n".join(["a,b,y", *rows]))
    for loss, layers in LOSSES.items():
        for keys in KEYS:
            sections = {"loss": loss, "model": {"layers": layers}, "data": {"train": train, **keys}}
            messages = errors(document(**sections, training={"batch_size": 5}))
            if suffix == "npz" and loss != "mean_squared_error" and not keys:
                range_ = f"up to {label}" if label > 0 else f"from {label} to 2"
                assert messages == [f'"y" has labels {range_}, but only 50 samples (data.train)']


ELSEWHERE = ("sklearn", "mlflow", "sql")
"""Types that need an additional library or a server."""


def places(kind: str, component: dict[str, Any]) -> dict[str, Any]:
    """Return a spec's sections with a component of a kind."""
    dense = {"type": "dense", "units": 3, f"weight_{kind}": component}
    sections: dict[str, dict[str, Any]] = {
        "layer": {"model": {"layers": [component, *LAST]}},
        "optimizer": {"optimizer": component},
        "schedule": {"optimizer": {"type": "sgd", "learning_rate": component}},
        "initializer": {"model": {"layers": [LAST[0], dense, LAST[2]]}},
        "metric": {"training": {"metrics": [component]}},
        "callback": {"training": {"callbacks": [component]}},
        "transform": {"data": {"prepare": [component]}},
        "data_source": {"data": {"train": component}},
        "calibrator": {"data": {"validation": 0.2}, "calibration": [component]},
        "analysis": {"analyses": [component]},
    }
    return sections[kind]


def whole_fields(cls: Any) -> list[str]:
    """Return the fields of a component class that may hold integers."""
    fields = cls.model_json_schema().get("properties", {})
    return [name for name, field in fields.items() if "'integer'" in str(field)]


@pytest.mark.parametrize(
    "kind",
    [
        *("layer", "optimizer", "schedule", "initializer", "metric", "callback"),
        *("transform", "data_source", "calibrator", "analysis"),
    ],
)
def test_a_huge_number_in_any_field_costs_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for entry in default_registry().entries(kind):
        cls = entry.component
        if cls.type in ELSEWHERE or not whole_fields(cls):
            continue
        usual = {"type": cls.type, **(cls.examples[0] if cls.examples else {})}
        takes = [None] if kind == "data_source" else list(SHAPES)
        takes = [x for x in takes if not errors(document(**places(kind, usual)), x)][:1] or takes
        for field in whole_fields(cls):
            values = (HUGE, [HUGE], [HUGE, HUGE]) if kind in ("layer", "transform") else (HUGE,)
            for value in values:
                errors(document(**places(kind, {**usual, field: value})), takes[0])


@pytest.mark.parametrize("kernels", ["numpy", "jit"])
def test_a_huge_number_in_any_key_of_a_section_costs_nothing(kernels: str) -> None:
    if kernels == "jit":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    for section, keys in {
        "training": ("epochs", "batch_size", "log_every", "accumulate", "max_steps"),
        "engine": ("threads",),
        "data": ("folds", "fold", "windows.past", "windows.horizon", "stream.window"),
    }.items():
        for key in keys:
            values: dict[str, Any] = {"windows": {"past": 1}} if key.startswith("windows") else {}
            name, _, inner = key.partition(".")
            values[name] = {**values.get(name, {}), inner: HUGE} if inner else HUGE
            sections = {"engine": {"kernels": kernels}, section: values}
            errors(document(**sections), {"a": TABLE["a"]} if "windows" in values else NUMBERS)


SPACE = {
    "optimizer.learning_rate": {"low": 1e-9, "high": 1.0, "step": 1e-9},
    "training.epochs": {"low": 1, "high": HUGE},
}


@pytest.mark.parametrize(
    "sections",
    [
        {"sweep": {"seed": {"from": 0, "to": HUGE}}},
        {"sweep": {"training.epochs": {"from": 1, "to": HUGE, "step": HUGE // 3}}},
        {"sweep": {"optimizer.learning_rate": {"linear": [0.0, 1.0], "count": HUGE}}},
        {"sweep": {"optimizer.learning_rate": {"log": [1e-9, 1.0], "count": HUGE}}},
        {"sweep": {"seed": [HUGE, -HUGE]}},
        {"tune": {"objective": "train.loss", "trials": HUGE, "space": SPACE}},
        {"tune": {"objective": "train.loss", "minutes": HUGE, "search": "grid", "space": SPACE}},
    ],
)
def test_a_huge_number_of_runs_costs_nothing_before_they_run(
    sections: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=NUMBERS, y=Y)
    data = {"train": {"type": "npz", "path": str(path)}}
    with limited(), contextlib.suppress(DeclnetError):
        check_spec(declnet.parse_spec(document(data=data, **sections)))
