"""Unmet requirements of distributions."""

import re

import pytest

from declnet.registry.plugin import Plugin, PluginFailure, unmet, unmet_requirements


@pytest.mark.parametrize(
    ("requirement", "fault"),
    [
        ("numpy>=1", None),
        ("numpy>=999", r"numpy .* is installed, but >=999 is needed"),
        ("nothing-of-the-sort>=2", "nothing-of-the-sort is not installed"),
        ('nothing-of-the-sort; python_version < "3"', None),
        ('nothing-of-the-sort; extra == "test"', None),
    ],
)
def test_unmet(requirement, fault):
    reason = unmet(requirement)
    assert reason == fault or re.fullmatch(fault, reason)


def test_an_invalid_requirement_is_refused():
    with pytest.raises(ValueError, match="Expected"):
        unmet(">=2")


def test_a_failure_names_the_unmet_requirements_of_its_distribution(tmp_path, monkeypatch):
    folder = tmp_path / "declnet_newer-2.0.dist-info"
    folder.mkdir()
    about = "Metadata-Version: 2.1\nName: declnet-newer\nVersion: 2.0\nRequires-Dist: declnet>=9\n"
    (folder / "METADATA").write_text(about)
    monkeypatch.syspath_prepend(tmp_path)
    failure = PluginFailure.of(Plugin("newer", "declnet-newer", "2.0"), ImportError("no Hyper"))
    assert failure.cause.startswith("ImportError: no Hyper; declnet 0")
    assert failure.cause.endswith('is installed, but >=9 is needed (pip install "declnet>=9")')
    assert unmet_requirements("never-installed") == ""
    assert PluginFailure.of(Plugin("here"), ValueError("no")).cause == "ValueError: no"
