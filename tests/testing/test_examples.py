"""Instances are built from examples, or from defaults without them."""

from pathlib import Path

import pytest

from declnet.testing import CheckFailed, ConformanceError, build_examples, check_component

from .right.layers import Rectifier
from .right.losses import SparseCrossentropy
from .right.others import Offset


class Needy(Rectifier):
    """y = max(x, 0)."""

    type = "needy"
    slope: float


class WrongExample(Offset):
    """penalty = 0."""

    type = "wrong_example"
    examples = ({}, {"strenght": 1.0})


def test_examples_or_defaults_are_built():
    assert [example.power for example in build_examples(SparseCrossentropy)] == [1.0, 2.0]
    assert build_examples(Rectifier) == (Rectifier(),)
    assert build_examples(Needy) == ()
    with pytest.raises(ConformanceError, match="declare examples"):
        check_component(Needy)
    with pytest.raises(CheckFailed, match=r"examples\[1\].*strenght"):
        build_examples(WrongExample)


class FromAFile(Offset):
    """penalty = 0."""

    type = "from_a_file"
    examples = ({"path": "no/such/file"},)
    path: Path

    @classmethod
    def example(cls, folder):
        path = folder / "penalties.txt"
        path.write_text("0")
        return {"path": path}


def test_the_last_example_has_its_files():
    first, last = build_examples(FromAFile)
    assert not first.path.exists()
    assert last.path.read_text() == "0"
    assert {outcome.example for outcome in check_component(FromAFile).passed} == {0, 1}


def test_an_example_that_cannot_be_written():
    class NeedsAPackage(FromAFile):
        """penalty = 0."""

        @classmethod
        def example(cls, folder):
            raise ImportError("no such package")

    class Wrong(FromAFile):
        """penalty = 0."""

        @classmethod
        def example(cls, folder):
            raise OSError("no space")

    report = check_component(NeedsAPackage)
    assert report.skipped[0].check == "writes_its_example"
    assert {outcome.example for outcome in report.passed} == {0}
    (failure,) = check_component(Wrong, raise_on_failure=False).failed
    assert (failure.check, "no space" in failure.message) == ("writes_its_example", True)
