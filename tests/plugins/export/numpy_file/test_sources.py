"""Python files for NumPy: shipped specs, and what the kit does not compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from declnet import ColumnError, Transform
from declnet_plugins.export.numpy_file.sources import Sources


class Base(Transform):
    offset: int = 0
    other: float = 2.0

    def apply(self, x, state):
        return self._moved(x) if len(x) else self.fit(x)

    def _moved(self, x):
        raise NotImplementedError


class Shifted(Base):
    type = "shifted"
    factor: float = 1.0

    def _moved(self, x):
        return scaled(x, self.factor) + self.offset

    def verify_state(self, state):
        raise ColumnError("not part of a file")


def scaled(x, factor):
    return x * factor


def test_a_component_has_the_methods_and_fields_that_one_method_needs() -> None:
    sources = Sources()
    name = sources.add_component("column", Shifted(offset=3), "apply")
    text = "\n".join(sources.definitions())
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(f"from __future__ import annotations\n{text}", namespace)
    assert namespace[name].apply(np.array([1.0]), {}).tolist() == [4.0]
    for unused in ("verify_state", "other", "pydantic"):
        assert unused not in text


class Importing(Transform):
    type = "importing"

    def apply(self, x, state):
        from declnet import missing_values

        return missing_values(x)


def test_a_component_that_imports_cannot_be_exported() -> None:
    sources = Sources()
    sources.add_component("column", Importing(), "apply")
    with pytest.raises(TypeError, match="it imports declnet"):
        sources.definitions()


def scale(x):
    return x + OFFSET


OFFSET = {"a": 1}
OTHER = object()


def uses_an_object(x):
    return (x, OTHER)


def test_functions_of_one_name_stay_apart() -> None:
    sources = Sources()
    first = sources.add(scale)
    namespace: dict[str, object] = {"OFFSET": {"a": 1}}
    assert first == "scale"
    assert sources.reserve("scale") == "scale_2"
    assert "OFFSET = {'a': 1}" in sources.texts
    exec("\n".join(sources.texts), namespace)
    with pytest.raises(TypeError, match="OTHER is <object"):
        sources.add(uses_an_object)
