"""Every component that declnet ships passes the kit; none escapes."""

import numpy as np
import pytest

from declnet import default_registry
from declnet.testing import build_examples, check_component, component_tests

FIRST_PARTY = [
    entry.component
    for entry in default_registry().entries()
    if entry.plugin.distribution == "declnet"
]

NEEDS_A_FILE = {"npz"}
"""Components that no example can build, each checked below with its own file."""

test_components = component_tests([cls for cls in FIRST_PARTY if cls.type not in NEEDS_A_FILE])


def test_there_are_components_of_many_kinds():
    assert len({cls.kind for cls in FIRST_PARTY}) >= 9


@pytest.mark.parametrize("cls", FIRST_PARTY, ids=lambda cls: f"{cls.kind}:{cls.type}")
def test_each_component_declares_examples_or_has_defaults(cls):
    if cls.type not in NEEDS_A_FILE:
        assert build_examples(cls)


@pytest.mark.parametrize("labels", [np.arange(12) % 3, np.eye(3)[np.arange(12) % 3]])
def test_npz_passes_with_a_file(tmp_path, labels):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.linspace(0, 1, 24).reshape(12, 2), y=labels)
    source = default_registry().find("data_source", "npz")(path=path)
    report = check_component(source)
    assert not report.skipped
