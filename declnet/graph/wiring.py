"""Names of layers, and which values each takes; a value is the input or a layer's output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from declnet.components.layer import Layer
from declnet.errors import Problem
from declnet.registry.spelling import suggestion

INPUT = "input"


@dataclass(frozen=True)
class Wire:
    """A layer in its place.

    Attributes:
        name: as written, or its type and count.
        inputs: values by index: 0 is the model's input, i + 1 the output of layer i.
    """

    name: str
    inputs: tuple[int, ...]


def wire(layers: Sequence[Layer]) -> tuple[list[Wire], list[Problem]]:
    """Names every layer and resolves its inputs; what is wrong comes second."""
    problems: list[Problem] = []
    names = _names(layers)
    value_of = {INPUT: 0}
    wires = []
    for index, (layer, name) in enumerate(zip(layers, names, strict=True)):
        path = ("model", "layers", index)
        written = layer.inputs if layer.inputs is not None else None
        inputs = [index] if written is None else []
        unknown = False
        for position, source in enumerate(written or ()):
            if source in value_of:
                inputs.append(value_of[source])
            else:
                why = _why_unknown(source, names[index:])
                hint = suggestion(source, value_of, "layers above")
                problems.append(Problem((*path, "inputs", position), why, hint))
                unknown = True
        if layer.n_inputs not in (None, len(inputs)) and not unknown:
            plural = "s" if layer.n_inputs != 1 else ""
            message = f"{layer.type} takes {layer.n_inputs} input{plural}, not {len(inputs)}"
            problems.append(Problem((*path, "inputs") if written else path, message))
        if name in value_of:
            problems.append(Problem((*path, "name"), f'the name "{name}" is taken', "rename it"))
        value_of[name] = index + 1
        wires.append(Wire(name, tuple(inputs)))
    if not problems:
        problems += _unused(wires)
    return wires, problems


def _names(layers: Sequence[Layer]) -> list[str]:
    count: Counter[str] = Counter()
    names = []
    for layer in layers:
        count[layer.type] += 1
        names.append(layer.name or f"{layer.type}_{count[layer.type]}")
    return names


def _why_unknown(source: str, not_above: list[str]) -> str:
    if source == not_above[0]:
        return f'"{source}" is the layer itself'
    if source in not_above:
        return f'"{source}" stands below; inputs are layers above'
    return f'there is no layer "{source}"'


def _unused(wires: Sequence[Wire]) -> list[Problem]:
    used = {value for each in wires for value in each.inputs} | {len(wires)}
    return [
        Problem(("model", "layers", index), f'nothing takes the output of "{each.name}"')
        for index, each in enumerate(wires)
        if index + 1 not in used
    ]
