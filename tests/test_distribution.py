"""The wheel and the source archive: contents, reproducibility, and use outside the checkout.

These tests need the build backend and a new environment, so they belong to the long ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import declnet

ROOT = Path(__file__).parent.parent
BUILD = """
import sys
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
root, folder = sys.argv[1:]
print(next(SdistBuilder(root).build(directory=folder, versions=["standard"])))
print(next(WheelBuilder(root).build(directory=folder, versions=["standard"])))
"""

pytestmark = pytest.mark.skipif(
    os.environ.get("DECLNET_TEST_WHEEL") is None, reason="DECLNET_TEST_WHEEL is not set"
)


def built(root, folder):
    """Build both as `python -m build --no-isolation` does; return sdist and wheel."""
    line = [sys.executable, "-c", BUILD, str(root), str(folder)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Path(path) for path in done.stdout.split()]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    return built(ROOT, tmp_path_factory.mktemp("dist"))


def test_the_versions_agree(distributions):
    assert declnet.__version__ == version("declnet")
    sdist, wheel = distributions
    assert sdist.name == f"declnet-{declnet.__version__}.tar.gz"
    assert wheel.name == f"declnet-{declnet.__version__}-py3-none-any.whl"


def test_the_wheel_has_two_packages_and_the_specs(distributions):
    with zipfile.ZipFile(distributions[1]) as archive:
        names = archive.namelist()
    information = f"declnet-{declnet.__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"declnet", "declnet_plugins", information}
    assert not [name for name in names if name.endswith((".pyc", ".md", "spec.schema.json"))]
    for package, folder in (("declnet", ROOT / "declnet"), ("declnet_plugins", ROOT / "plugins")):
        base = folder.parent if package == "declnet" else folder
        modules = {file.relative_to(base).as_posix() for file in folder.rglob("*.py")}
        assert modules <= {*names}
    specs = "declnet_plugins/standard/templates/shipped_specs/"
    shipped = {name.removeprefix(specs) for name in names if name.startswith(specs)}
    tracked = {
        path.relative_to(ROOT / "specs").as_posix() for path in (ROOT / "specs").rglob("*.toml")
    }
    assert tracked <= shipped


def test_builds_are_reproducible_also_from_the_source_archive(distributions, tmp_path):
    again = built(ROOT, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in distributions]
    with tarfile.open(distributions[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("declnet-*")
    assert (unpacked / "tests" / "test_specs.py").is_file()
    _, wheel = built(unpacked, tmp_path / "from_sdist")
    assert wheel.read_bytes() == distributions[1].read_bytes()


def test_the_wheel_alone_writes_checks_runs_and_predicts(distributions, tmp_path):
    """With the wheel and the core's requirements, without extras, checkout or variables."""
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    constrained = ("-c", str(ROOT / "constraints.txt"), str(distributions[1]))
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *constrained]
    subprocess.run(install, check=True)
    folder = tmp_path / "empty"
    folder.mkdir()
    paths = {"PYTHONPATH", "PYTHONHOME"}
    environment = {name: value for name, value in os.environ.items() if name not in paths}

    def declnet_of_wheel(*arguments):
        line = [python, "-W", "error", "-m", "declnet", *arguments]
        done = subprocess.run(
            line, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    assert declnet_of_wheel("--version") == f"declnet {declnet.__version__}\n"
    doctor = json.loads(declnet_of_wheel("doctor", "--format", "json"))
    assert doctor["problems"] == []
    assert not Path(doctor["folder"]).is_relative_to(ROOT)
    for name in ("spiral_adam", "two_heads", "messages", "spiral_regularization", "strokes_lstm"):
        declnet_of_wheel("new", f"{name}.toml", "--template", name)
        declnet_of_wheel("check", f"{name}.toml")
    quick = ("--set", "training.epochs=3", "--quiet", "--out", "run")
    declnet_of_wheel("run", "two_heads.toml", *quick)
    declnet_of_wheel("predict", "run", "data/wine.csv", "-o", "predicted.csv")
    assert len((folder / "predicted.csv").read_text("utf-8").splitlines()) == 179
    declnet_of_wheel("new", "wine.toml", "--data", "data/wine.csv", "--target", "cultivar")
    declnet_of_wheel("check", "wine.toml")
