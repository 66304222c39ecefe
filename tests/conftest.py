"""Fixtures for all tests: a small spec, its files, and the real command line."""

from __future__ import annotations

import copy
import csv
import gc
import json
import os
import runpy
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from declnet.cli.process import INTERRUPTION
from declnet.runs.storage.checksums import checksum
from declnet.spec.document.overrides import apply_override, override_of
from declnet.spec.document.source_map import SourceMap

from .command_line import CommandLine, ForkServer

settings.register_profile(
    "declnet",
    max_examples=int(os.environ.get("DECLNET_TEST_EXAMPLES", "25")),  # `.ci/long` runs more
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("declnet")

Document = dict[str, Any]

MEMORY, ENOUGH = Path("/dev/shm"), 2**31  # pytest creates a private folder
"""The folder for files in memory on Linux, and the free bytes that the tests require there."""


SIGNALS = [getattr(signal, name) for name in INTERRUPTION if hasattr(signal, name)]


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free if os.access(folder, os.W_OK) else 0


def pytest_configure() -> None:
    """Set the environment that hundreds of processes inherit.

    Tests run in parallel, so BLAS threads that share a processor would only spin. Without .pyc
    files, each process would compile all modules again. Runs wait for the disk after each file,
    which is fast for a folder in memory. A shell lets background processes ignore Ctrl-C, which
    would break the tests of interruptions.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if _free(MEMORY) >= ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Restore signal handlers that a command in this process has replaced."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        return (yield)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Disable garbage collection while pytest collects tests, and exempt the objects it leaves."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that share a process first, so that no worker waits for them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session", autouse=True)
def wide_output() -> Iterator[None]:
    """Make tables wide without a terminal, independent of the terminal that runs the tests."""
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "200"
    yield
    if columns is None:
        del os.environ["COLUMNS"]
    else:
        os.environ["COLUMNS"] = columns


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def golden() -> Path:
    return Path(__file__).parent / "golden"


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """30 points around three corners, and their labels."""
    rng = np.random.default_rng(5)
    labels = np.arange(30) % 3
    corners = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    return corners[labels] + rng.normal(0, 0.5, (30, 2)), labels


@pytest.fixture
def document(tmp_path: Path, blobs: tuple[np.ndarray, np.ndarray]) -> Document:
    """A small valid spec, with its data `data.npz` in the folder of `spec_file`."""
    np.savez(tmp_path / "data.npz", x=blobs[0], y=blobs[1])
    return {
        "declnet": 1,
        "name": "small",
        "data": {"train": {"type": "npz", "path": str(tmp_path / "data.npz")}},
        "model": {
            "dtype": "float64",
            "layers": [
                {"type": "dense", "units": 4},
                "relu",
                {"type": "dense", "units": 3},
                "softmax",
            ],
        },
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.1},
        "training": {"epochs": 3, "metrics": ["accuracy"]},
        "seed": 1,
    }


@pytest.fixture(scope="session")
def changed() -> Callable[[Document, Mapping[str, Any]], Document]:
    """Copy a document, with values replaced or added at dotted keys."""

    def change(document: Document, values: Mapping[str, Any]) -> Document:
        source_map = SourceMap(copy.deepcopy(document))
        for key, value in values.items():
            assert apply_override(source_map, override_of(key, value)) is None
        return source_map.document

    return change


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a document as JSON, or a string unchanged, to the test's folder."""

    def write(content: Mapping[str, Any] | str, name: str = "spec.json") -> Path:
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.end()


@pytest.fixture
def declnet_cli(tmp_path: Path, fork_server: ForkServer) -> CommandLine:
    """The command line in the test's folder."""
    return CommandLine(tmp_path, fork_server)


@pytest.fixture
def refused(declnet_cli: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., str]:
    """Run a command that must fail without output on stdout, and return its stderr."""

    def run(*arguments: object, code: int = 2) -> str:
        done = declnet_cli(*arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert "Traceback" not in done.stderr
        return done.stderr

    return run


@pytest.fixture(scope="session")
def command_in(fork_server: ForkServer) -> Callable[..., CommandLine]:
    """Create a command line in a folder, with distributions on its import path."""

    def make(folder: Path, *sites: Path, **environment: str) -> CommandLine:
        path = [*map(str, sites), *filter(None, [os.environ.get("PYTHONPATH")])]
        return CommandLine(
            folder, fork_server, {"PYTHONPATH": os.pathsep.join(path), **environment}
        )

    return make


@pytest.fixture
def history_of() -> Callable[[Path], list[dict[str, Any]]]:
    """Read a run's history, and assert that every line is JSON without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def read(directory: Path) -> list[dict[str, Any]]:
        lines = (directory / "history.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line, parse_constant=refuse) for line in lines]

    return read


@dataclass(frozen=True)
class Flowers:
    """A run trained on a table of numbers and a category, with three classes."""

    folder: Path
    table: Path
    run: Path

    @property
    def rows(self) -> list[dict[str, str]]:
        with self.table.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def renew_checksums() -> Callable[[Path], None]:
    """Update the checksums in the manifest of a finished run."""

    def renew(directory: Path) -> None:
        path = directory / "manifest.json"
        files = {file.name: checksum(file.read_bytes()) for file in directory.glob("*.*")}
        manifest = json.loads(path.read_text("utf-8"))
        manifest["files"] = {name: files[name] for name in files if name != path.name}
        path.write_text(json.dumps(manifest), "utf-8")

    return renew


@pytest.fixture(scope="session")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Flowers:
    """120 rows of two numbers with a missing value each, a color and a kind, and a run on them."""
    import declnet

    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(8)
    kinds = rng.permutation(np.arange(120) % 3)
    length = (kinds * 2.0 + rng.normal(0, 0.7, 120)).round(3)
    width = (rng.normal(0, 20, 120) - kinds * 15).round(2)
    colors = np.array(["red", "blue", 'dark "red", spotted'])[rng.integers(0, 3, 120)]
    with (folder / "flowers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["length", "color", "width", "kind"])
        for at, row in enumerate(zip(length, colors, width, kinds, strict=True)):
            cells = ["" if at == 7 else row[0], row[1], "NA" if at == 11 else row[2]]
            writer.writerow([*cells, ["aster", "lily, tall", "rose"][row[3]]])
    document = {
        "declnet": 1,
        "data": {
            "train": {"type": "csv", "path": "flowers.csv", "target": "kind"},
            "validation": 0.15,
            "test": 0.25,
            "split": {"method": "stratified"},
            "prepare": [{"type": "impute", "strategy": "median"}, "standardize", "one_hot"],
        },
        "model": {
            "layers": [
                {"type": "dense", "units": 8},
                "relu",
                {"type": "dense", "units": 3},
                "softmax",
            ]
        },
        "loss": {"type": "categorical_crossentropy"},
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 60, "log_every": 20, "metrics": ["accuracy", "f1"]},
    }
    (folder / "flowers.json").write_text(json.dumps(document), "utf-8")
    declnet.run(declnet.load_spec(folder / "flowers.json"), out=folder / "run")
    return Flowers(folder, folder / "flowers.csv", folder / "run")


@pytest.fixture(scope="session")
def shipped_spec(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], Path]:
    """Return a spec of specs/ with its data; skip the test if an extra is not installed."""
    import declnet

    images: list[Path] = []

    def path_of(file: Path) -> Path:
        path = repository / "specs" / file
        train = declnet.load_spec(path).data.train
        source = "" if train is None else train.type
        if source == "sklearn":
            pytest.importorskip("sklearn", reason="the extra sklearn is not installed")
        if source != "image_folder":
            return path
        pytest.importorskip("PIL", reason="the extra images is not installed")
        if not images:
            folder = tmp_path_factory.mktemp("shipped")
            script = runpy.run_path(str(repository / "specs" / "data" / "make_shapes.py"))
            script["make"](folder / "data" / "shapes")
            images.append(folder)
        return Path(shutil.copy(path, images[0]))

    return path_of
