from __future__ import annotations

from pathlib import Path

import pytest

from declnet import default_registry, parse_spec
from declnet.spec.document.expansion import ExpandedMap
from declnet.spec.partial import ParsedSpec
from declnet.training.checks.check import check_spec


@pytest.fixture
def problems():
    """Return the diagnostics of a changed valid spec, one line each, most with a key path."""

    def find(document, registry=None):
        checked = check_spec(parse_spec(document, registry), registry)
        return [str(problem) for problem in checked.problems]

    return find


@pytest.fixture
def check_wrong():
    """Check the valid parts of an invalid document."""

    def check(document, registry=None):
        registry = registry or default_registry()
        context = {"registry": registry, "folder": Path.cwd()}
        return check_spec(ParsedSpec(ExpandedMap(document), None, context=context), registry)

    return check
