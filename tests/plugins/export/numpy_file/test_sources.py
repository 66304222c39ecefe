"""Python files for NumPy: shipped specs, and what the kit does not compare."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import class_name
from declnet_plugins.exchange.checks.cases import cases_of
from declnet_plugins.export.numpy_file.sources import Sources
from declnet_plugins.export.numpy_file.transforms import group_rare
from declnet_plugins.standard.transforms.categories import GroupRare


def test_a_column_that_remains_text_is_grouped_alike() -> None:
    x = np.array(["a", "b", None, "a", "c", "zebra"], object)
    transform = GroupRare(min_count=2)
    state = transform.fit(np.array(["a", "a", "b", "c", "c"], object))
    names = [*map(class_name, state["categories"]), transform.other]
    y = group_rare(x, categories=state["categories"], names=names)
    assert y.tolist() == transform.apply(x, state).tolist()
    assert not list(cases_of(transform, declnet.default_registry()))


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
