"""Broken plugins of every kind, installed together: named with their cause, the rest works."""

import json

import pytest

from ..distributions import write_distribution

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
HALF = "class Half(Layer):\n    type = 'half'\n    def forward(self, x, y, state): pass\n"
HOOK = "\n@hookimpl\ndef declnet_register(register):\n"
IMPORT = "from declnet import hookimpl"

BROKEN = {
    "declnet-no-import": ("import a_missing_module", "a_missing_module"),
    "declnet-raises": (
        LAYER.format(good="raises_good")
        + HOOK
        + "    register(Good)\n    raise KeyError('kaputt')",
        "KeyError: 'kaputt'",
    ),
    "declnet-no-contract": (
        LAYER.format(good="no_contract_good")
        + HALF
        + HOOK
        + "    register(Half)\n    register(Good)",
        "Half has no backward(), which a layer needs",
    ),
    "declnet-misspelled": (
        LAYER.format(good="misspelled_good")
        + HOOK
        + "    register(Good)\n@hookimpl\ndef declnet_registre(register): pass",
        "declnet_registre",
    ),
    "declnet-no-hook": ("x = 1", "no hook found"),
    "declnet-unmarked": ("def declnet_register(register): ...", "declnet_register"),
    "declnet-syntax": ("syntax error", "SyntaxError"),
    "declnet-exits": ("raise SystemExit('bye')", "SystemExit: bye"),
    "declnet-skips": (
        "class Skipped(BaseException): pass\nraise Skipped('not a subclass of Exception')",
        "Skipped: not a subclass of Exception",
    ),
    "declnet-registers-twice": (
        LAYER.format(good="twice_good") + HOOK + "    register(Good)\n    register(Good)",
        'layer "twice_good" is registered twice',
    ),
    "declnet-not-a-class": (IMPORT + HOOK + "    register(42)", "42 is not"),
    "declnet-lazy": (IMPORT + HOOK + "    register.lazily('layer', 'lazy', 'nowhere')", "nowhere"),
    "declnet-wave": ("from declnet import Buffer", "cannot import name 'Buffer' from 'declnet'"),
}

RUDE = """
import sys
from declnet import Metric, hookimpl

print("imported")

class Exits(Metric):
    type = "exits"
    def start(self): return []
    def update(self, state, y_pred, y_true): sys.exit(0)
    def result(self, state): return 0.0

class Writes(Exits):
    type = "writes"
    def update(self, state, y_pred, y_true): y_true[:] = y_pred.argmax(axis=1)

@hookimpl
def declnet_register(register):
    print("registered")
    register(Exits)
    register(Writes)
"""


@pytest.fixture
def rude(command_in, tmp_path):
    return command_in(tmp_path, write_distribution(tmp_path / "site", "declnet-rude", RUDE))


@pytest.fixture(scope="module")
def broken(command_in, tmp_path_factory):
    site = tmp_path_factory.mktemp("broken")
    for name, (source, _) in BROKEN.items():
        write_distribution(site, name, source, "0.7.1")
    return command_in(tmp_path_factory.mktemp("work"), site)


def test_the_list_names_each_distribution_and_cause_and_the_rest_works(
    broken, spec_file, document, tmp_path
):
    working, _, failures = broken.succeeds("plugins").partition("broken plugins")
    for name, (_, cause) in BROKEN.items():
        line = next(line for line in failures.splitlines() if name in line)
        assert "0.7.1" in line
        assert cause in line
    for name in ("raises_good", "no_contract_good", "misspelled_good", "twice_good"):
        assert name in working
    broken.succeeds("run", spec_file(document), "--quiet", "--out", tmp_path / "out")
    done = broken("schema", "-o", tmp_path / "spec.schema.json")
    assert done.returncode == 0
    assert "left out: plugin declnet_exits (declnet-exits 0.7.1): SystemExit: bye\n" in done.stderr


def test_output_of_a_plugin_during_import_is_not_a_result(rude, spec_file, document):
    spec = spec_file(document)
    assert rude("run", spec, "--quiet", "--out", "out").returncode == 0
    done = rude("evaluate", "out", "--format", "json")
    assert done.stderr == "imported\nregistered\n"
    assert json.loads(done.stdout)["samples"] == 30


def test_the_kit_fails_a_metric_that_ends_the_process_or_writes(rude):
    done = rude("plugins", "check", "declnet-rude")
    assert done.returncode == 1
    assert "metric:exits[0]" in done.stdout
    assert "SystemExit: 0" in done.stdout
    assert "metric:writes[0]" in done.stdout


@pytest.mark.parametrize(
    ("metric", "cause"),
    [("exits", "raised SystemExit in update()"), ("writes", "assignment destination is read-only")],
)
def test_a_metric_neither_ends_the_process_nor_changes_the_targets(
    rude, spec_file, document, metric, cause
):
    document["training"]["metrics"] = [metric, "accuracy"]
    done = rude("run", spec_file(document), "--quiet", "--out", "out")
    assert done.returncode == 1
    assert f'error: metric "{metric}" of plugin declnet_rude (declnet-rude 0.1.0)' in done.stderr
    assert cause in done.stderr
    assert json.loads((rude.folder / "out" / "manifest.json").read_text())["status"] == "failed"
