"""Each translation into ONNX against the components that it replaces, as the kit checks it."""

from __future__ import annotations

from typing import Any

import pytest

from declnet import default_registry
from declnet.testing import CheckSkipped, Subject
from declnet.testing.checks.translations import equals_its_components

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TRANSLATIONS = [
    entry.component
    for entry in default_registry().entries("translation")
    if entry.component.format == "onnx"
]


@pytest.mark.parametrize("translation", TRANSLATIONS, ids=lambda translation: translation.type)
def test_components_compute_the_same_in_onnx(translation: Any) -> None:
    try:
        equals_its_components(Subject(translation(), registry=default_registry()))
    except CheckSkipped as reason:
        pytest.skip(str(reason))
