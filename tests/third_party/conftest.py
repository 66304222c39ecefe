"""A fresh virtual environment with declnet, for tests that install plugins for real."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

BUILD = """
import os, sys
from hatchling.build import build_wheel

out, *folders = sys.argv[1:]
for each in folders:
    os.chdir(each)
    build_wheel(out)
"""
"""What pip asks of hatchling, for many folders in one process."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a folder to work in."""

    folder: Path

    @property
    def scripts(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    def call(self, *arguments, **variables):
        """Run a command of the environment in its folder, with further environment variables."""
        return subprocess.run(
            [str(self.scripts / arguments[0]), *map(str, arguments[1:])],
            cwd=self.folder,
            env={**os.environ, "PYTHONWARNINGS": "default", **variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def declnet(self, *arguments, **variables):
        return self.call("declnet", *arguments, **variables)

    def install(self, *requirements, isolated=False):
        options = ["--no-build-isolation", "--no-deps", "--no-index"]
        if isolated:
            options = ["--no-compile"]  # most of it is never imported
        done = self.call(
            "python",
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            *options,
            *requirements,
        )
        assert done.returncode == 0, done.stderr

    def install_many(self, folders, wheels):
        """Install distributions from wheels into a new folder."""
        built = self.call("python", "-c", BUILD, wheels, *folders)
        assert built.returncode == 0, built.stderr
        found = list(wheels.glob("*.whl"))
        assert len(found) == len(folders)
        self.install(*found)

    def uninstall(self, *distributions):
        done = self.call("python", "-m", "pip", "uninstall", "-q", "-y", *distributions)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """An environment for all tests in this folder; each test removes what it installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    made = Environment(folder)
    made.install(str(CHECKOUT), "hatchling", "pytest", isolated=True)
    return made


@pytest.fixture
def moons_spec(tmp_path):
    """A spec that uses a component of each kind of declnet-orchard."""
    spec = tmp_path / "moons.json"
    penalty = {"type": "soft_absolute", "strength": 1e-4}
    document = {
        "declnet": 1,
        "plugins": ["declnet-orchard>=1.2"],
        "data": {
            "train": {"type": "two_moons", "samples": 200},
            "test": {"type": "two_moons", "samples": 100},
        },
        "model": {
            "layers": [
                {"type": "gain", "weight_regularizer": penalty},
                {"type": "dense", "units": 16, "weight_regularizer": penalty},
                "relu",
                {"type": "dense", "units": 1},
                "logistic",
            ]
        },
        "loss": "log_loss",
        "optimizer": "sign_descent",
        "training": {"epochs": 200, "log_every": 50, "metrics": ["brier_score"]},
    }
    spec.write_text(json.dumps(document), encoding="utf-8")
    return spec


@pytest.fixture(scope="session")
def write_distribution():
    """Write a one-module distribution into a folder and return its path."""

    def write(folder, name, source, entry_point=None, version="0.1.0"):
        package = name.replace("-", "_")
        place = folder / name
        place.mkdir()
        (place / f"{package}.py").write_text(source, encoding="utf-8")
        (place / "pyproject.toml").write_text(
            "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
            f"[project]\nname = '{name}'\nversion = '{version}'\n"
            f"[project.entry-points.declnet]\n{entry_point or package} = '{package}'\n"
            f"[tool.hatch.build.targets.wheel]\ninclude = ['{package}.py']\n",
            encoding="utf-8",
        )
        return place

    return write


@pytest.fixture(scope="session")
def orchard_source():
    """The folder of declnet-orchard, a third party's distribution."""
    return Path(__file__).parent / "declnet-orchard"


@pytest.fixture(scope="session")
def juice_source():
    """The folder of declnet-juice, which adds commands and report panels."""
    return Path(__file__).parent / "declnet-juice"
