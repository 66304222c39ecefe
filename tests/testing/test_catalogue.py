"""The checks of each kind pass right components, and each broken component fails its check."""

import os

import numpy as np
import pytest
from pydantic import Field

from declnet import default_registry
from declnet.testing import build_examples, check_component, checks_for
from declnet.testing.catalogue import CHECKS_BY_KIND
from declnet.testing.packages import cases_of_classes

from .broken_components import EXPECTED
from .right import RIGHT
from .right.layers import Doubled, VectorScale

FIRST_PARTY = [
    entry.component
    for entry in default_registry().entries()
    if entry.plugin.distribution == "declnet"
]

NEEDS_A_FILE = {"npz"}
"""Components that no example can build, each checked below with its own file."""

EVERY_CHECK = os.environ.get("DECLNET_TEST_CHECKS") == "all"
"""Whether a broken component goes through all checks of its kind, as in `.ci/long`."""

NEVER_FAILS = "runs_without_python"
"""A check that passes or is skipped, see test_native.py."""


def named(cls):
    return f"{cls.kind}:{cls.type}"


def skipped(component):
    return {outcome.check: outcome.message for outcome in check_component(component).skipped}


@pytest.mark.parametrize("cls", FIRST_PARTY, ids=named)
def test_first_party(cls):
    """The first example; `.ci/run` checks every one of them."""
    if cls.type not in NEEDS_A_FILE:
        check_component(build_examples(cls)[0])


@pytest.mark.parametrize("labels", [np.arange(12) % 3, np.eye(3)[np.arange(12) % 3]])
def test_npz_with_a_file(tmp_path, labels):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.linspace(0, 1, 24).reshape(12, 2), y=labels)
    source = default_registry().find("data_source", "npz")(path=path)
    assert set(skipped(source)) == {"blocks_are_the_data", "previews_the_first_samples"}


@pytest.mark.parametrize("cls", RIGHT, ids=named)
def test_right(cls):
    check_component(cls)


@pytest.mark.parametrize(
    ("cls", "check"), EXPECTED.items(), ids=lambda each: getattr(each, "type", each)
)
def test_broken(cls, check):
    if check == "does_the_same_at_every_call":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    if EVERY_CHECK or check == "can_be_registered":
        failed = check_component(cls, raise_on_failure=False).failed
    else:
        cases = [case for case in cases_of_classes([cls]) if case.check == check]
        failed = [each for each in (case.outcome() for case in cases) if each.status == "failed"]
    assert check in {outcome.check for outcome in failed}
    for outcome in failed:
        assert outcome.check != NEVER_FAILS
        assert outcome.message
        assert "the check itself" not in outcome.message


def test_every_check_of_a_kind_catches_a_broken_component():
    assert {cls.kind for cls in FIRST_PARTY} >= set(CHECKS_BY_KIND)
    assert len(EXPECTED) >= 170
    for kind, checks in CHECKS_BY_KIND.items():
        assert kind in {cls.kind for cls in EXPECTED}
        for check in checks:
            if check.name != NEVER_FAILS:
                assert check.name in EXPECTED.values(), (kind, check.name)


def test_every_check_has_a_sentence_and_a_name_of_its_own():
    for kind in {cls.kind: cls for cls in RIGHT}.values():
        checks = checks_for(kind)
        assert len({check.name for check in checks}) == len(checks)
        assert all(check.summary.endswith(".") for check in checks)


def test_an_inherited_output_shape_that_accepts_shapes_that_fail():
    reason = skipped(VectorScale)["takes_the_shapes_it_accepts"]
    assert "(3, 4)" in reason
    assert "output_shape" in reason


def test_a_layer_of_integers_has_the_gradients_of_its_parameters_checked():
    reasons = skipped(default_registry().find("layer", "embedding"))
    assert "gradient_of_inputs" in reasons
    assert "gradient_of_parameters" not in reasons


def test_data_that_is_not_there_is_skipped_with_the_reason():
    reasons = skipped(default_registry().find("data_source", "idx"))
    assert "there is no such file" in reasons["loads_what_it_describes"]


def test_a_field_without_a_description_is_skipped_not_failed():
    class Bare(Doubled):
        """y = 2 * x."""

        type = "bare"
        slope: float = 0.0
        other: float = Field(default=0.0, description="described")

    assert "slope" in skipped(Bare)["describes_its_fields"]
    assert "other" not in skipped(Bare)["describes_its_fields"]
