"""Each translation against the components that it replaces, as the kit checks it.

Those into C are compiled together, in `export/c99/test_translations.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from declnet import default_registry
from declnet.testing import CheckSkipped, Subject
from declnet.testing.checks.translations import equals_its_components

TRANSLATIONS = [
    entry.component
    for entry in default_registry().entries("translation")
    if entry.component.format != "c"
]


@pytest.mark.parametrize("translation", TRANSLATIONS, ids=lambda translation: translation.type)
def test_files_compute_what_components_do(translation: Any) -> None:
    try:
        equals_its_components(Subject(translation(), registry=default_registry()))
    except CheckSkipped as reason:
        pytest.skip(str(reason))
