"""Correct components pass the checks of their kind, and each broken one fails its check."""

import os

import pytest
from pydantic import Field

import declnet
from declnet import Component, default_registry
from declnet.testing import CheckSkipped, build_examples, check_component, checks_for
from declnet.testing.examples import writes_files
from declnet.testing.packages import components_of_classes

from .broken_components import EXPECTED
from .other_kind import Mixed, Tenths
from .right import RIGHT
from .right.layers import Doubled, VectorScale

CONTRACTS = {
    value.kind: value
    for value in (getattr(declnet, name) for name in declnet.__all__)
    if isinstance(value, type) and issubclass(value, Component) and value.conformance_checks
}

EVERY_CHECK = os.environ.get("DECLNET_TEST_CHECKS") == "all"
"""Whether broken components run through all checks of their kind, as in `.ci/long`."""


def compiled_elsewhere(cls):
    """Return whether `plugins/export/c99/test_translations.py` compiles it, too."""
    return cls.kind == "translation" and cls.format == "c" and not EVERY_CHECK


FIRST_PARTY = [
    entry.component
    for entry in default_registry().entries()
    if entry.plugin.distribution == "declnet" and not compiled_elsewhere(entry.component)
]

NEVER_FAIL = {"runs_without_python", "describes_its_fields"}
"""Checks that never fail; see test_native.py and the last test of this module."""


def named(cls):
    return f"{cls.kind}:{cls.type}"


def skipped(component):
    return {outcome.check: outcome.message for outcome in check_component(component).skipped}


@pytest.mark.parametrize("cls", FIRST_PARTY, ids=named)
def test_first_party(cls):
    """Check the first example, or the one with files; `.ci/long` checks all examples."""
    try:
        examples = build_examples(cls)
    except CheckSkipped as reason:
        pytest.skip(str(reason))
    report = check_component(examples[-1 if writes_files(cls) else 0])
    if cls.kind == "data_source":
        if any("pip install" in outcome.message for outcome in report.skipped):
            pytest.skip("a package that it needs is not installed")
        passed = {outcome.check for outcome in report.passed}
        assert passed >= {"loads_usable_arrays", "loads_what_it_describes", "parts_equal_the_whole"}


@pytest.mark.parametrize("cls", RIGHT, ids=named)
def test_correct(cls):
    check_component(cls)


@pytest.mark.parametrize(
    ("cls", "check"), EXPECTED.items(), ids=lambda value: getattr(value, "type", value)
)
def test_broken(cls, check):
    if check == "does_the_same_at_every_call":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    if EVERY_CHECK or check == "can_be_registered":
        failed = check_component(cls, raise_on_failure=False).failed
    else:
        ((_, cases),) = components_of_classes([cls])
        cases = [case for case in cases if case.check == check]
        outcomes = [case.outcome() for case in cases]
        failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert check in {outcome.check for outcome in failed}
    for outcome in failed:
        assert outcome.check not in NEVER_FAIL
        assert outcome.message
        assert "the check itself" not in outcome.message


def test_every_check_of_a_kind_catches_a_broken_component():
    assert {cls.kind for cls in FIRST_PARTY} >= set(CONTRACTS) - {"plan"}
    assert len(EXPECTED) >= 210
    for kind, contract in CONTRACTS.items():
        assert kind in {cls.kind for cls in EXPECTED}
        for check in checks_for(contract):
            if check.name not in NEVER_FAIL:
                assert check.name in EXPECTED.values(), (kind, check.name)


def test_a_kind_defines_its_checks():
    assert check_component(Tenths).counts["failed"] == 0
    (outcome,) = check_component(Mixed, raise_on_failure=False).failed
    assert outcome.check == "increases"
    assert "0.5 is not above 0.9" in outcome.message


def test_a_kind_whose_checks_cannot_be_imported_fails():
    class Elsewhere(Tenths):
        conformance_checks = "no.such_module"

    (outcome,) = check_component(Elsewhere, raise_on_failure=False).outcomes
    assert (outcome.check, outcome.status) == ("has_checks", "failed")
    assert "no.such_module" in outcome.message


class Bare(Doubled):
    """y = 2 * x."""

    type = "bare"
    slope: float = 0.0
    other: float = Field(default=0.0, description="described")


@pytest.mark.parametrize(
    ("component", "check", "words", "never"),
    [
        (VectorScale, "takes_the_shapes_it_accepts", ["(3, 4)", "output_shape"], None),
        ("layer:embedding", "gradient_of_inputs", [], "gradient_of_parameters"),
        ("layer:embedding", "takes_no_dx", ["integers"], None),
        (Bare, "describes_its_fields", ["slope"], "other"),
    ],
)
def test_checks_that_cannot_run_are_skipped_with_the_reason(component, check, words, never):
    if isinstance(component, str):
        component = default_registry().find(*component.split(":"))
    reasons = skipped(component)
    assert all(word in reasons[check] for word in words)
    assert never not in reasons
    assert never is None or never not in reasons[check]
