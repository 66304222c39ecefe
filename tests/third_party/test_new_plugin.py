"""`declnet plugins new`: packages of every kind, from their installation to their removal."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import replace

import pytest

from declnet.inspection.plugins.command import KINDS as KINDS_OF_THE_CORE

KINDS = (*KINDS_OF_THE_CORE, "exporter", "importer", "translation", "template", "report_panel")

pytestmark = pytest.mark.xdist_group("environment")

BUILD = """
import os, sys
from hatchling.build import build_wheel

out, *folders = sys.argv[1:]
for each in folders:
    os.chdir(each)
    build_wheel(out)
"""
"""What pip asks of hatchling, for many folders in one process."""

CHECK = """
from declnet.testing import check_package

for name in {names}:
    report = check_package(name)
    assert report.succeeded, list(report.lines())
"""


def succeeds(python, *arguments, **variables):
    command = [str(python), *map(str, arguments)]
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pip(tmp_path_factory):
    """Return pip of a new virtual environment with hatchling, since builds are not isolated."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python" if sys.platform == "win32" else "bin/python")

    def run(*arguments):
        succeeds(python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments)

    run("install", "--no-compile", "hatchling")
    run.python = python
    return run


@pytest.fixture(scope="module")
def installed(pip, command_in, tmp_path_factory):
    """The command line with a package of each kind, and with the layer `twofold`."""
    folder = tmp_path_factory.mktemp("packages")
    command = command_in(folder)
    kinds = {f"declnet-my-{kind.replace('_', '-')}": kind for kind in KINDS}
    for name, kind in {**kinds, "twofold": "layer"}.items():
        command.succeeds("plugins", "new", name, "--kind", kind)
    packages = [folder / name for name in (*kinds, "declnet-twofold")]
    succeeds(pip.python, "-c", BUILD, folder / "wheels", *packages)
    wheels = list((folder / "wheels").glob("*.whl"))
    assert len(wheels) == len(packages)
    pip("install", "--no-deps", "--no-index", "--no-compile", *wheels)
    site = succeeds(pip.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    return command_in(folder, site.strip())


@pytest.fixture
def spec(document, spec_file):
    document["model"]["layers"][1] = "twofold"
    return spec_file({**document, "plugins": ["declnet-twofold>=0.1"]})


def test_packages_of_every_kind_pass_the_kit(installed, tmp_path):
    installed.succeeds("plugins", "check", "declnet-twofold")
    program = tmp_path / "check.py"
    names = [f"declnet-my-{kind.replace('_', '-')}" for kind in KINDS]
    program.write_text(CHECK.format(names=names), "utf-8")
    done = installed.program(program)
    assert done.returncode == 0, done.stderr


def test_the_tests_of_the_package_pass(installed):
    package = installed.folder / "declnet-twofold"
    pytest_arguments = ("-m", "pytest", "-q", package, "-p", "no:cacheprovider")
    variables = {**installed.environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    assert " passed" in succeeds(sys.executable, *pytest_arguments, **variables)


def test_it_is_listed_shown_and_used_with_its_distribution(installed, spec, tmp_path):
    listed = installed.succeeds("plugins")
    line = next(line for line in listed.splitlines() if line.split()[1:2] == ["twofold"])
    assert line.split() == ["layer", "twofold", "twofold", "declnet-twofold", "0.1.0"]
    assert "twofold (declnet-twofold 0.1.0)" in installed.succeeds("plugins", "show", "twofold")
    installed.succeeds("run", spec, "--quiet", "--out", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["components"]["layer"]["twofold"] == "declnet-twofold==0.1.0"


def test_a_requirement_that_is_too_new_names_both_versions(installed, spec):
    done = installed("check", spec, "--set", 'plugins=["declnet-twofold>=2"]')
    assert done.returncode == 2
    assert "declnet-twofold 0.1.0 is installed, but >=2 is needed" in done.stderr


@pytest.mark.parametrize("name", ["twofold", "declnet-twofold"])
def test_it_can_be_disabled_by_option_and_by_variable(installed, spec, name):
    variables = {**installed.environment, "DECLNET_DISABLE_PLUGINS": f"other,{name}"}
    without = replace(installed, environment=variables)
    for done in (installed("check", spec, "--no-plugin", name), without("check", spec)):
        assert done.returncode == 2
        assert "disabled plugins: twofold (declnet-twofold 0.1.0)" in done.stderr
    listed = without.succeeds("plugins")
    assert "disabled plugins" in listed
    assert not any(line.split()[1:2] == ["twofold"] for line in listed.splitlines())


def test_after_uninstalling_a_spec_that_needs_it_says_what_to_install(pip, installed, spec):
    pip("uninstall", "-y", "declnet-twofold")
    done = installed("check", spec)
    assert done.returncode == 2
    assert 'pip install "declnet-twofold>=0.1"' in done.stderr
    assert "error[E008]: declnet-twofold is not installed" in done.stderr
    assert 'error[E015]: layer type "twofold" is not installed' in done.stderr
    assert "Traceback" not in done.stderr
    assert "twofold" not in installed.succeeds("plugins")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("9lives", 'it begins with "9"'),
        ("a.b", 'not "."'),
        ("declnet-", "nothing after the prefix"),
        ("none", '"None" is a keyword of Python'),
        ("dense", 'layer type "dense" belongs to declnet 0.1.0'),
        ("layers", "declnet 0.1.0 has a plugin of this name"),
        ("mine", "already exists"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_the_reason(declnet_cli, tmp_path, name, reason):
    (tmp_path / "declnet-mine").mkdir()
    done = declnet_cli("plugins", "new", name)
    assert done.returncode == 2
    assert reason in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["declnet-mine"]
