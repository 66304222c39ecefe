"""Names of layers, and which values each takes; a value is the input or a layer's output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from declnet.components.layer import Layer
from declnet.errors import Diagnostic
from declnet.registry.spelling import suggestion

INPUT = "input"


@dataclass(frozen=True)
class Wire:
    """A layer in its place.

    Attributes:
        name: as written, or its type and count.
        inputs: values by index: 0 is the model's input, i + 1 the output of layer i; None where
            they are wrong.
    """

    name: str
    inputs: tuple[int, ...] | None


def wire(
    layers: Sequence[Layer | None],
    written_names: Sequence[str | None] | None = None,
    written_types: Sequence[str | None] | None = None,
) -> tuple[list[Wire], list[Diagnostic]]:
    """Names every layer and resolves its inputs; what is wrong comes second.

    Args:
        layers: in topological order; None stands for one that could not be read.
        written_names: those of the layers that could not be read, where they have one.
        written_types: theirs, which count for the names of the others.
    """
    problems: list[Diagnostic] = []
    nothing = [None] * len(layers)
    names = _names(layers, written_names or nothing, written_types or nothing)
    value_of = {INPUT: 0}
    wires = []
    for index, (layer, name) in enumerate(zip(layers, names, strict=True)):
        inputs, found = _inputs(index, layer, value_of, names)
        if name in value_of:
            where = ("model", "layers", index, "name")
            taken = f'the name "{name}" is taken'
            hint = (
                "it means the model's input; rename the layer"
                if name == INPUT
                else f"layer {value_of[name] - 1} has it; rename one of the two"
            )
            problems.append(Diagnostic(taken, hint, where, "E019"))
        problems += found
        value_of[name] = index + 1
        wires.append(Wire(name, inputs))
    if not problems and None not in layers:
        problems += _unused(wires)
    return wires, problems


def _inputs(
    index: int, layer: Layer | None, value_of: dict[str, int], names: Sequence[str]
) -> tuple[tuple[int, ...] | None, list[Diagnostic]]:
    path = ("model", "layers", index)
    if layer is None:
        return None, []
    if layer.inputs is None:
        inputs, problems = [index], []
    else:
        inputs = [value_of[source] for source in layer.inputs if source in value_of]
        problems = [
            Diagnostic(
                _why_unknown(source, names[index:]),
                suggestion(source, value_of, "layers above"),
                (*path, "inputs", position),
                "E020",
            )
            for position, source in enumerate(layer.inputs)
            if source not in value_of
        ]
    if not problems and layer.n_inputs not in (None, len(inputs)):
        plural = "s" if layer.n_inputs != 1 else ""
        message = f'"{names[index]}" takes {layer.n_inputs} input{plural}, not {len(inputs)}'
        at = (*path, "inputs") if layer.inputs is not None else path
        hint = "name them: inputs = [ … ]" if layer.inputs is None else "name as many as it takes"
        problems.append(Diagnostic(message, hint, at, "E021"))
    return (None if problems else tuple(inputs)), problems


def _names(
    layers: Sequence[Layer | None], written: Sequence[str | None], types: Sequence[str | None]
) -> list[str]:
    count: Counter[str] = Counter()
    names = []
    for index, layer in enumerate(layers):
        name, kind = (layer.name, layer.type) if layer else (written[index], types[index])
        if kind is None:
            names.append(name or f"layer {index}")
            continue
        count[kind] += 1
        names.append(name or f"{kind}_{count[kind]}")
    return names


def _why_unknown(source: str, not_above: Sequence[str]) -> str:
    if source == not_above[0]:
        return f'"{source}" is the layer itself'
    if source in not_above:
        return f'"{source}" stands below; inputs are layers above'
    return f'there is no layer "{source}"'


def _unused(wires: Sequence[Wire]) -> list[Diagnostic]:
    used = {value for each in wires for value in each.inputs or ()} | {len(wires)}
    hint = "name it in the inputs of a layer below, or remove it"
    return [
        Diagnostic(
            f'nothing takes the output of "{each.name}"', hint, ("model", "layers", index), "E023"
        )
        for index, each in enumerate(wires)
        if index + 1 not in used
    ]
