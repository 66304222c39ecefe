"""Flattening of specs to single values by key, with layers by name, for comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from declnet.spec.shown_values import shown


def flatten(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return all scalars of a spec by dotted key, e.g. `model.layers.dense_1.units`.

    The order of the layers is also a value, `model.layers`.
    """
    scalars = dict(_scalars(document, ""))
    names = _layer_names(document)
    return {"model.layers": ", ".join(names), **scalars} if names else scalars


def differing_keys(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys whose values differ between flattened documents."""
    keys = dict.fromkeys(key for document in documents for key in document)
    absent = object()
    return [key for key in keys if _differ([document.get(key, absent) for document in documents])]


def _differ(values: Sequence[Any]) -> bool:
    """Return whether values differ; 1, 1.0, "1" and true do."""
    if len(set(map(type, values))) == 1 and type(values[0]) is not float:
        return len(set(values)) > 1
    return len(set(map(repr, values))) > 1  # 0.0 and -0.0 differ, and NaN equals NaN


def spec_differences(specs: Sequence[Mapping[str, Any]]) -> dict[str, list[str | None]]:
    """Return the differences between specs: for each key, its value in each spec.

    Args:
        specs: specs as plain tables, e.g. `StoredRun.spec_tables`.

    Returns:
        The values as text for each spec, by dotted key (e.g. `model.layers.dense_1.units`); None
        if a spec does not have the key.
    """
    sides = [flatten(spec) for spec in specs]
    return {
        key: [shown(side[key]) if key in side else None for side in sides]
        for key in differing_keys(sides)
    }


def _scalars(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        names = _names(value) if prefix == "model.layers" else map(str, range(len(value)))
        items = list(zip(names, value, strict=True))
    else:
        yield prefix, value
        return
    for key, item in items:
        yield from _scalars(item, f"{prefix}.{key}" if prefix else key)


def _layer_names(document: Mapping[str, Any]) -> list[str]:
    model = document.get("model")
    layers = model.get("layers") if isinstance(model, Mapping) else None
    return _names(layers) if isinstance(layers, list) else []


def _names(layers: list[Any]) -> list[str]:
    """Return the layers' names as in the model: as written, or from type and count."""
    tables = [layer if isinstance(layer, Mapping) else {"type": layer} for layer in layers]
    return layer_names((str(table.get("type")), table.get("name")) for table in tables)


def layer_names(layers: Iterable[tuple[str | None, Any]]) -> list[str]:
    """Return the names of layers in a model, given the type and the written name of each."""
    count: Counter[str | None] = Counter()
    names = []
    for index, (kind, name) in enumerate(layers):
        count[kind] += 1
        names.append(str(name or (f"{kind}_{count[kind]}" if kind else f"layer {index}")))
    return names
