"""What every test may use: a spec to begin with, files of it, and the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from declnet.spec.override import override_of
from declnet.spec.overrides import override
from declnet.spec.written import Written

settings.register_profile(
    "declnet", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("declnet")

Document = dict[str, Any]

WARNINGS = "error,ignore::ResourceWarning"
"""A signal may arrive between opening a file and entering its `with`: no fault of anybody's."""


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def golden() -> Path:
    return Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden_components(golden: Path) -> dict[str, np.ndarray]:
    with np.load(golden / "components.npz") as archive:
        return dict(archive)


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """30 points around three corners, and their labels."""
    rng = np.random.default_rng(5)
    labels = np.arange(30) % 3
    corners = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    return corners[labels] + rng.normal(0, 0.5, (30, 2)), labels


@pytest.fixture
def document(tmp_path: Path, blobs: tuple[np.ndarray, np.ndarray]) -> Document:
    """A small valid spec; its data, `data.npz`, lies where `spec_file` writes."""
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
    """Makes a copy of a document with values replaced or added at dotted keys."""

    def change(document: Document, values: Mapping[str, Any]) -> Document:
        changes = [override_of(key, value) for key, value in values.items()]
        result = override(Written(document), changes)
        assert result.problems == []
        return result.document

    return change


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a document as JSON, or a text as it is, into the test's folder."""

    def write(content: Mapping[str, Any] | str, name: str = "spec.json") -> Path:
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@dataclass(frozen=True)
class CommandLine:
    """`python -m declnet` in a folder, as a real process."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """Starts it and returns at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "declnet", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONWARNINGS": WARNINGS, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def succeeds(self, *arguments: object) -> str:
        """Runs it; its standard output. Fails the test if it fails."""
        done = self(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture
def declnet_cli(tmp_path: Path) -> CommandLine:
    """The command line in the test's own folder."""
    return CommandLine(tmp_path)


@pytest.fixture
def history_of() -> Callable[[Path], list[dict[str, Any]]]:
    """Reads a run's history, every line of which must be JSON without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    def read(directory: Path) -> list[dict[str, Any]]:
        lines = (directory / "history.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line, parse_constant=refuse) for line in lines]

    return read
