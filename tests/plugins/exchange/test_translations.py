"""Each translation against the components that it replaces, as the kit checks it.

Those into C are compiled together, in `export/c99/test_translations.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from declnet import default_registry
from declnet.testing import CheckSkipped, Subject
from declnet_plugins.exchange.checks.translations import (
    equals_its_components,
    refuses_what_its_transforms_refuse,
)

TRANSLATIONS = [
    entry.component
    for entry in default_registry().entries("translation")
    if entry.component.format != "c"
]


CHECKS = (equals_its_components, refuses_what_its_transforms_refuse)


@pytest.mark.parametrize("holds", CHECKS)
@pytest.mark.parametrize("translation", TRANSLATIONS, ids=lambda translation: translation.type)
def test_files_compute_what_components_do(translation: Any, holds: Any) -> None:
    try:
        holds(Subject(translation(), registry=default_registry()))
    except CheckSkipped as reason:
        pytest.skip(str(reason))
