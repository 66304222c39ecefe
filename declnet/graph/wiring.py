"""Names and connections of all layers, resolved before any shape is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from declnet.contracts.network.inputs import INPUT, UNNAMED, input_value
from declnet.contracts.network.layer import Layer
from declnet.errors import Diagnostic, KeyPath
from declnet.registry.spelling import suggestion
from declnet.spec.flatten import layer_names
from declnet.spec.partial import LayerPart

MAX_LISTED = 5
"""Maximum number of inputs listed in a hint."""

Sources = dict[str, tuple[int, str | None]]
"""The value that each name in `inputs` of a layer refers to: its index and, for value 0, which of
the model's inputs is meant."""


@dataclass(frozen=True)
class Wire:
    """A layer and its connections.

    Attributes:
        name: as written, or its type and a counter.
        inputs: values by index: 0 is one of the model's inputs, i + 1 the output of layer i; None
            if they are invalid.
        reads: for each input, the name of the model's input if it is one.
    """

    name: str
    inputs: tuple[int, ...] | None
    reads: tuple[str | None, ...] = ()


def parts_of(layers: Iterable[Layer]) -> list[LayerPart]:
    """Return layers that are all valid as the parts of a spec."""
    return [
        LayerPart(layer, layer.name, layer.type, str(position))
        for position, layer in enumerate(layers)
    ]


def wire(
    parts: Sequence[LayerPart],
    input_names: Collection[str] | None = (UNNAMED,),
    outputs: Sequence[str] | None = None,
    optional: Collection[str] = (),
) -> tuple[list[Wire], list[Diagnostic]]:
    """Name every layer and resolve its inputs; the errors are returned second.

    Args:
        parts: the layers in topological order, including those that could not be read.
        input_names: the names of the model's inputs; None if they are unknown.
        outputs: the names of the layers that are outputs; default: the last one.
        optional: those that no layer need read.
    """
    problems: list[Diagnostic] = []
    names = layer_names((part.layer.type if part.layer else part.type, part.name) for part in parts)
    required = [name for name in input_names or () if name not in optional]
    sources = _of_model(input_names or (), required)
    wires = []
    for index, (part, name) in enumerate(zip(parts, names, strict=True)):
        faults: list[Diagnostic] = []
        wired: list[tuple[int, str | None]] = []
        if part.layer is not None:
            wired, faults = _inputs(index, part, part.layer, sources, names, input_names)
        if name in sources or name == INPUT:
            hint = (
                "it refers to the model's input; rename the layer"
                if name == INPUT
                else f"layer {parts[sources[name][0] - 1].position} has it; rename one of the two"
            )
            where = ("model", "layers", index, "name")
            problems.append(Diagnostic(f'the name "{name}" is taken', hint, where, "E019"))
        problems += faults
        sources[name] = index + 1, None
        valid = part.layer is not None and not faults
        values = tuple(value for value, _ in wired) if valid else None
        wires.append(Wire(name, values, tuple(read for _, read in wired) if valid else ()))
    named = {wire.name: index for index, wire in enumerate(wires)}
    problems += [
        Diagnostic(
            f'there is no layer "{name}"',
            suggestion(name, named, "layers"),
            ("model", "outputs", position),
            "E048",
        )
        for position, name in enumerate(outputs or ())
        if name not in named
    ]
    if not problems and all(part.layer is not None for part in parts):
        problems += [*_unread(wires, required), *_unused(wires, outputs)]
    return wires, problems


def _of_model(names: Collection[str], required: Sequence[str]) -> Sources:
    """Return the values that stand for the model's inputs; `input` is the only required one."""
    sources: Sources = {input_value(name): (0, name) for name in names}
    if len(required) == 1:
        sources[INPUT] = 0, required[0]
    return sources


def _inputs(
    index: int,
    part: LayerPart,
    layer: Layer,
    sources: Sources,
    names: Sequence[str],
    input_names: Collection[str] | None,
) -> tuple[list[tuple[int, str | None]], list[Diagnostic]]:
    """Return the values that a layer reads, and the errors in its `inputs`."""
    path = ("model", "layers", index)
    written = (INPUT if index == 0 else names[index - 1],) if layer.inputs is None else layer.inputs
    wired: list[tuple[int, str | None]] = []
    problems = []
    for position, source in enumerate(written):
        if layer.inputs is None and index > 0:
            wired.append((index, None))
        elif source in sources:
            wired.append(sources[source])
        elif input_names is None and source.partition(".")[0] == INPUT:
            wired.append((0, source.partition(".")[2]))
        else:
            where: KeyPath = (*path, "inputs", position) if layer.inputs is not None else path
            known = [*sources, *part.short_names]
            problems.append(_unknown(source, where, known, names[index:], input_names or ()))
    if not problems and layer.n_inputs not in (None, len(wired)):
        plural = "s" if layer.n_inputs != 1 else ""
        message = f'"{names[index]}" takes {layer.n_inputs} input{plural}, not {len(wired)}'
        at = (*path, "inputs") if layer.inputs is not None else path
        hint = "name them: inputs = [ … ]" if layer.inputs is None else "list as many as it takes"
        problems.append(Diagnostic(message, hint, at, "E021"))
    return wired, problems


def _unknown(
    source: str,
    path: KeyPath,
    known: Sequence[str],
    not_above: Sequence[str],
    input_names: Collection[str],
) -> Diagnostic:
    """Return the error for a name that refers to no value."""
    named = [input_value(name) for name in input_names]
    if source == INPUT and len(named) > 1:
        listed = " or ".join(f'inputs = ["{value}"]' for value in named[:MAX_LISTED])
        more = ", …" if len(named) > MAX_LISTED else ""
        which = f'"{not_above[0]}" reads "{INPUT}", but the data has {len(named)} inputs'
        return Diagnostic(which, f"write {listed}{more}", path, "E026")
    if source.startswith(f"{INPUT}."):
        hint = suggestion(source, named, "inputs")
        if named == [INPUT]:
            hint = 'the data does not name its input: write "input"'
        message = f'there is no input "{source.removeprefix(f"{INPUT}.")}"'
        return Diagnostic(message, hint, path, "E020")
    hint = suggestion(source, known, "earlier layers")
    return Diagnostic(why_unknown(source, not_above), hint, path, "E020")


def why_unknown(source: str, not_above: Sequence[str], what: str = "inputs") -> str:
    """Return why a name is not one of an earlier layer.

    Args:
        not_above: the layer that names it and those after it.
        what: `"inputs"` or `"weights"`, which the layer would take from it.
    """
    if source == not_above[0]:
        return f'"{source}" is the layer itself'
    if source in not_above:
        earlier = "an earlier layer" if what == "weights" else "earlier layers"
        verb = "come from" if what == "weights" else "be"
        return f'"{source}" comes later; {what} must {verb} {earlier}'
    return f'there is no layer "{source}"'


def _unread(wires: Sequence[Wire], input_names: Collection[str]) -> list[Diagnostic]:
    """Return an error for each named input of the model that no layer reads."""
    read = {name for wire in wires for name in wire.reads}
    return [
        Diagnostic(
            f'no layer reads the input "{name}"',
            f'name "{input_value(name)}" in the inputs of a layer, or remove it',
            ("data", "inputs", name),
            "E027",
        )
        for name in input_names
        if name not in read and name != UNNAMED
    ]


def _unused(wires: Sequence[Wire], outputs: Sequence[str] | None) -> list[Diagnostic]:
    used = {value for wire in wires for value in wire.inputs or ()}
    ends = outputs if outputs is not None else [wire.name for wire in wires[-1:]]
    used |= {index + 1 for index, wire in enumerate(wires) if wire.name in ends}
    or_output = ", or in model.outputs" if outputs is not None else ""
    hint = f"name it in the inputs of a later layer{or_output}, or remove it"
    return [
        Diagnostic(
            f'the output of "{wire.name}" is not used', hint, ("model", "layers", index), "E023"
        )
        for index, wire in enumerate(wires)
        if index + 1 not in used
    ]
