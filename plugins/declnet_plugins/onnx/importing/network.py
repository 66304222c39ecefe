"""The network that is found in a graph: layers of a spec, and their parameters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from declnet import Array


@dataclass(frozen=True)
class Value:
    """A value of the graph as a layer of the network computes it.

    Attributes:
        source: `"input"`, `"input.NAME"` or a layer.
        shape: of a sample, as that layer gives it.
        view: how the graph's value differs from the layer's: `""` not at all; otherwise its axes,
            e.g. `"tnf"` for sequences with the time first.
    """

    source: str
    shape: tuple[int, ...]
    view: str = ""


@dataclass
class Network:
    """The layers so far.

    Attributes:
        layers: a table for each layer, with `inputs` as it is in a spec.
        parameters: arrays by `layer.parameter`.
        mapping: the names of nodes by layer.
        inputs: the names of the inputs, for `source`.
    """

    layers: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, Array] = field(default_factory=dict)
    mapping: dict[str, list[str]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _last: str | None = None

    def add(
        self,
        type_: str,
        inputs: list[Value],
        shape: tuple[int, ...],
        nodes: list[str],
        parameters: dict[str, Array] | None = None,
        /,
        **fields: Any,
    ) -> Value:
        """Add a layer, named by its type and count, and return its output."""
        self._counts[type_] += 1
        name = f"{type_}_{self._counts[type_]}"
        sources = [input_.source for input_ in inputs]
        is_next = sources == [self._last] or (self._last is None and sources == ["input"])
        reads = {} if is_next else {"inputs": sources}
        self.layers.append({"type": type_, **fields, **reads})
        for key, array in (parameters or {}).items():
            self.parameters[f"{name}.{key}"] = np.ascontiguousarray(array, np.float32)
        self.mapping[name] = nodes
        self._last = name
        return Value(name, tuple(shape))

    def add_biases(self, value: Value, biases: Array) -> None:
        """Add biases, or one for all units, to a dense layer, which may have none yet."""
        name, units = f"{value.source}.biases", value.shape[-1]
        if name not in self.parameters:
            del dict(zip(self.mapping, self.layers, strict=True))[value.source]["use_bias"]
            self.parameters[name] = np.zeros(units, np.float32)
        self.parameters[name] += biases.reshape(-1)

    def note(self, layer: str, node: str) -> None:
        """Say that a node is part of a layer, too."""
        self.mapping.get(layer, []).append(node)
