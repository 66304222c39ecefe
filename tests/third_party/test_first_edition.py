"""Example packages for the first API, installed with pip: they work, or get rename hints."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("environment")

PACKAGES = ("declnet-affine", "declnet-counts", "declnet-wave")


@pytest.fixture(scope="module")
def installed(environment, repository, tmp_path_factory):
    plugins = repository / "tests" / "fixtures" / "first_edition" / "plugins"
    wheels = tmp_path_factory.mktemp("wheels")
    environment.install_many([plugins / name for name in PACKAGES], wheels)
    yield environment
    environment.uninstall(*PACKAGES)


@pytest.fixture
def spec_with(tmp_path):
    """Write a spec with a layer of some type."""

    def write(layer):
        spec = tmp_path / "spec.json"
        document = {
            "declnet": 1,
            "data": {"train": {"type": "nnfs_vertical", "samples": 10, "classes": 3}},
            "model": {"layers": [{"type": "dense", "units": 3}, layer, "softmax"]},
            "loss": "categorical_crossentropy",
            "optimizer": "adam",
            "training": {"epochs": 5},
        }
        spec.write_text(json.dumps(document), encoding="utf-8")
        return spec

    return write


def test_the_list_has_what_works_and_what_to_rename_in_the_others(installed):
    working, _, broken = installed.declnet("plugins").stdout.partition("broken plugins")
    line = next(line for line in working.splitlines() if "declnet-affine" in line)
    assert line.split() == ["layer", "affine", "affine", "declnet-affine", "0.1.0"]
    assert "affine" not in broken
    lines = broken.splitlines()
    counts = next(line for line in lines if "declnet-counts" in line)
    wave = next(line for line in lines if "declnet-wave" in line)
    assert "declnet.Finding was renamed: use Diagnostic" in counts
    assert "declnet.Buffer was renamed: use Workspace" in wave


def test_a_package_that_needs_no_change_passes_the_kit_and_runs(installed, spec_with, tmp_path):
    checked = installed.declnet("plugins", "check", "declnet-affine")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ran = installed.declnet("run", spec_with("affine"), "--out", tmp_path / "out")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("layer", ["wave", "rate"])
def test_a_spec_that_needs_another_names_both_and_the_command_that_says_why(
    installed, spec_with, layer
):
    done = installed.declnet("check", spec_with(layer))
    assert done.returncode == 2
    assert f'layer type "{layer}" is not installed' in done.stderr
    assert "counts (declnet-counts 0.1.0)" in done.stderr
    assert "wave (declnet-wave 0.1.0)" in done.stderr
    assert "`declnet plugins` says why" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_spec_that_needs_the_only_broken_one_says_what_to_rename(installed, spec_with):
    done = installed.declnet("check", spec_with("wave"), "--no-plugin", "counts")
    assert done.returncode == 2
    assert "wave (declnet-wave 0.1.0)" in done.stderr
    assert "declnet.Buffer was renamed: use Workspace" in done.stderr


def test_the_kit_names_the_same_error(installed):
    checked = installed.declnet("plugins", "check", "declnet-wave")
    assert checked.returncode != 0
    assert "declnet.Buffer was renamed: use Workspace" in checked.stdout + checked.stderr
