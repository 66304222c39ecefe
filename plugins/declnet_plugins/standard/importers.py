"""The importer of safetensors files, which hold arrays alone: a mapping names the layers."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    DataError,
    InputInfo,
    Register,
    hookimpl,
)
from declnet_plugins.exchange import ImportedNetwork, Importer, LeftoverError

LOSSES = {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy"}
"""The loss for the type of the last layer; for others mean_squared_error."""

SECTIONS = ("loss", "losses", "optimizer", "training", "seed", "name")
"""What a mapping may have of a spec besides the layers."""


def sections_for(model: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """Return the sections of a spec for a model.

    Args:
        model: the section `model`.
        types: the type of the layer of each output.
    """
    losses = {
        name: {"type": LOSSES.get(layer, "mean_squared_error")} for name, layer in types.items()
    }
    loss = {"loss": next(iter(losses.values()))} if len(losses) == 1 else {"losses": losses}
    training = {"epochs": 10, "batch_size": 32}
    return {"model": dict(model), **loss, "optimizer": {"type": "adam"}, "training": training}


class SafetensorsImporter(Importer):
    """Arrays in a safetensors file, as the layers that a mapping names.

    The mapping is a TOML file with `input`, the shape of a sample (or `inputs`, shapes by name),
    and `layers` as in a spec, where `parameters` says which array each parameter is: its name, or
    `{ array = "fc.weight", axes = [1, 0] }` if its axes are in another order. `ignore` lists
    patterns of arrays that are left out. The sections `loss`, `optimizer` and `training` may be
    there as well.
    """

    type = "safetensors"
    suffixes = (".safetensors",)
    examples = ({"mapping": "mapping.toml"},)

    mapping: Path = Field(description="the TOML file that names the layers and their arrays")

    def read(self, path: Path) -> ImportedNetwork:
        """Return the network of a file."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            mapping = tomllib.loads(self.mapping.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DataError(f"{self.mapping} is not a valid mapping: {error}") from None
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError, ValueError, TypeError) as error:
            raise DataError(f"{path} is not a valid safetensors file: {error}") from None
        return _network(mapping, arrays, path, self.mapping)


def _network(
    document: dict[str, Any], arrays: dict[str, Array], path: Path, mapping: Path
) -> ImportedNetwork:
    known = {"input", "inputs", "outputs", "layers", "ignore", *SECTIONS}
    for key in document:
        if key not in known:
            raise DataError(f'{mapping}: unknown key "{key}"', hint=f"one of {sorted(known)}")
    if not isinstance(document.get("layers"), list) or ("input" in document) == (
        "inputs" in document
    ):
        raise DataError(f"{mapping} needs layers, a list, and either input or inputs")
    layers, parameters, origins = list[Any](), dict[str, Array](), dict[str, str]()
    counts, types, used = Counter[str](), dict[str, str](), set[str]()
    for layer in document["layers"]:
        table: dict[str, Any] = {"type": layer} if isinstance(layer, str) else dict(layer)
        type_ = table.get("type")
        if not isinstance(type_, str):
            raise DataError(f"{mapping}: a layer needs a type, but is {layer}")
        counts[type_] += 1
        name = table.get("name") or f"{type_}_{counts[type_]}"
        named = table.pop("parameters", {})
        for parameter, origin in named.items():
            source, array = _array(origin, arrays, path, mapping)
            used.add(source)
            parameters[f"{name}.{parameter}"] = array
        origins[name] = ", ".join(_named(origin) for origin in named.values())
        types[name] = type_
        layers.append(layer if isinstance(layer, str) else table)
    ignored = document.get("ignore", [])
    leftovers = [
        name
        for name in arrays
        if name not in used and not any(fnmatchcase(name, pattern) for pattern in ignored)
    ]
    if leftovers:
        raise LeftoverError(
            path, tuple(f"{leftover} {arrays[leftover].shape}" for leftover in leftovers)
        )
    outputs = document.get("outputs") or [*types][-1:]
    model = {**({"outputs": outputs} if "outputs" in document else {}), "layers": layers}
    sections = sections_for(model, {name: types.get(name, "") for name in outputs})
    if "losses" in document:
        sections.pop("loss", None)
    sections |= {key: document[key] for key in SECTIONS if key in document}
    shapes = document["inputs"] if "inputs" in document else {"": document["input"]}
    return ImportedNetwork(
        sections=sections,
        inputs={name: InputInfo(tuple(shape)) for name, shape in shapes.items()},
        parameters=parameters,
        mapping=origins,
        left_out=tuple(name for name in arrays if name not in used),
    )


def _named(origin: Any) -> str:
    return origin if isinstance(origin, str) else str(origin.get("array"))


def _array(
    origin: Any, arrays: Mapping[str, Array], path: Path, mapping: Path
) -> tuple[str, Array]:
    name = _named(origin)
    if name not in arrays:
        raise DataError(f'{mapping}: {path} has no array "{name}"')
    array = arrays[name]
    if isinstance(origin, dict) and "axes" in origin:
        axes = origin["axes"]
        if sorted(axes) != [*range(array.ndim)]:
            raise DataError(f'{mapping}: axes {axes} do not fit "{name}" {array.shape}')
        array = np.transpose(array, axes)
    return name, np.ascontiguousarray(array, np.float32)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the importers."""
    register.lazily("importer", SafetensorsImporter.type, __name__)
    register.lazily("importer", "sklearn", "declnet_plugins.standard.estimators.importer")
