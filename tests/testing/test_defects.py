"""Components with one defect each; `defects/found.txt` lists which of them the kit finds.

`python -m tests.testing.defects` rewrites the table.
"""

import os

import pytest

import declnet

from .defects import DEFECTS, name_of
from .defects.found import committed, lines

EVERY_DEFECT = os.environ.get("DECLNET_TEST_DEFECTS") == "all"
"""Whether the kit checks all of them, which is slow."""


@pytest.mark.parametrize("component", [component for _, component in DEFECTS], ids=name_of)
def test_loads_and_registers(component):
    registry = declnet.Registry()
    registry.register(component)
    assert registry.find(component.kind, component.type) is component
    assert component.__doc__
    assert len(component.__doc__.splitlines()) == 1


def test_there_are_seventy():
    assert [group for group, _ in DEFECTS].count("A") == 30
    assert [group for group, _ in DEFECTS].count("B") == 40
    assert len({name_of(component) for _, component in DEFECTS}) == 70


def test_the_table_lists_all_components():
    named = [line.split("  ")[:2] for line in committed()]
    assert named == [[group, name_of(component)] for group, component in DEFECTS]


@pytest.mark.skipif(not EVERY_DEFECT, reason="DECLNET_TEST_DEFECTS is not all")
def test_the_table_is_up_to_date():
    pytest.importorskip("numba", reason="the extra jit is not installed")
    assert list(lines()) == committed()
