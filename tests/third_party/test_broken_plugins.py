"""Broken plugins of every sort, installed for real: named with their cause, the rest works."""

import pytest

pytestmark = pytest.mark.xdist_group("environment")

LAYER = """
import numpy as np
from declnet import Layer, hookimpl

class Good(Layer):
    "y = 2 x."
    type = "{good}"
    def forward(self, x, y, state):
        np.multiply(x, 2, out=y)
    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2, out=dx)
"""

HOOK = """
@hookimpl
def declnet_register(register):
"""

BROKEN = {
    "declnet-no-import": ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
    "declnet-raises": (
        LAYER.format(good="raises_good")
        + HOOK
        + "    register(Good)\n    raise KeyError('kaputt')",
        "KeyError: 'kaputt'",
    ),
    "declnet-no-contract": (
        LAYER.format(good="no_contract_good")
        + "class Half(Layer):\n    type = 'half'\n    def forward(self, x, y, state): pass\n"
        + HOOK
        + "    register(Half)\n    register(Good)",
        "Half has no backward(), which a layer needs",
    ),
    "declnet-misspelt": (
        LAYER.format(good="misspelt_good")
        + HOOK
        + "    register(Good)\n@hookimpl\ndef declnet_registre(register): pass",
        "declnet_registre",
    ),
    "declnet-no-hook": ("x = 1", "it has no hook"),
    "declnet-exits": ("raise SystemExit('bye')", "SystemExit: bye"),
    "declnet-registers-twice": (
        LAYER.format(good="twice_good") + HOOK + "    register(Good)\n    register(Good)",
        'layer "twice_good" is registered twice',
    ),
    "declnet-not-a-class": (
        "from declnet import hookimpl" + HOOK + "    register(42)",
        "42 is not",
    ),
    "declnet-lazy": (
        "from declnet import hookimpl"
        + HOOK
        + "    register.lazily('layer', 'lazy', 'nowhere:It')",
        "nowhere",
    ),
}


@pytest.fixture(scope="module")
def broken(environment, write_distribution, tmp_path_factory):
    """All of them together, two distributions with one entry-point name, and another "dense"."""
    folder = tmp_path_factory.mktemp("broken")
    sources = {name: source for name, (source, _) in BROKEN.items()}
    for name in ("declnet-twin-a", "declnet-twin-b"):
        sources[name] = LAYER.format(good=name[-6:].replace("-", "_")) + HOOK + "    register(Good)"
    sources["declnet-other-dense"] = LAYER.format(good="dense") + HOOK + "    register(Good)"
    packages = [
        write_distribution(folder, name, source, "twin" if "twin" in name else None, "0.7.1")
        for name, source in sources.items()
    ]
    environment.install_many(packages, folder / "wheels")
    yield environment
    environment.uninstall(*sources)


@pytest.fixture(scope="module")
def listed(broken):
    return broken.declnet("plugins")


@pytest.mark.parametrize("name", BROKEN)
def test_the_list_names_distribution_version_and_cause(listed, name):
    assert listed.returncode == 0
    _, _, faults = listed.stdout.partition("broken plugins")
    line = next(line for line in faults.splitlines() if name in line)
    assert "0.7.1" in line
    assert BROKEN[name][1] in line


def test_two_distributions_with_one_entry_point_name_are_both_loaded_and_reported(listed):
    working, _, faults = listed.stdout.partition("broken plugins")
    assert "twin_a" in working
    assert "twin_b" in working
    assert "twin (declnet-twin-a 0.7.1)" in faults


def test_the_good_classes_of_a_partly_broken_plugin_work(listed):
    working, _, _ = listed.stdout.partition("broken plugins")
    for name in ("raises_good", "no_contract_good", "misspelt_good", "twice_good"):
        assert name in working


def test_a_run_that_needs_none_of_them_is_not_disturbed(broken, moons_spec, tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC)
    done = broken.declnet("run", spec, "--quiet", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("layer", "cause"),
    [
        ("half", "declnet-no-contract 0.7.1"),
        ("lazy", "declnet-lazy 0.7.1"),
        ("something", "declnet-no-import 0.7.1"),
    ],
)
def test_a_spec_that_names_a_broken_type_gets_the_cause(broken, tmp_path, layer, cause):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.replace('"relu"', f'"{layer}"'))
    done = broken.declnet("run", spec)
    assert done.returncode == 2
    assert cause in done.stderr
    assert "Traceback" not in done.stderr


def test_a_first_party_type_is_another_distributions_only_where_a_spec_lists_that_one(
    broken, listed, tmp_path
):
    _, _, failures = listed.stdout.partition("broken plugins")
    assert "declnet-other-dense" not in failures
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC)
    assert broken.declnet("check", spec).returncode == 0
    done = broken.declnet("check", spec, "--set", 'plugins=["declnet-other-dense"]')
    assert done.returncode == 2
    assert 'unknown key "units"' in done.stderr


def test_strict_mode_makes_any_fault_fatal(broken):
    done = broken.declnet("plugins", DECLNET_STRICT_PLUGINS="1")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for name in BROKEN:
        assert name in done.stderr


SPEC = """
declnet = 1
loss = "categorical_crossentropy"
optimizer = "adam"

[data]
train = { type = "nnfs_vertical", samples = 10, classes = 3 }

[training]
epochs = 2

[[model.layers]]
type = "dense"
units = 3

[[model.layers]]
type = "relu"

[[model.layers]]
type = "softmax"
"""
