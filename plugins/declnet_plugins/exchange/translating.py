"""The walk through a model that exporters share: from raw columns to predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from declnet import (
    Array,
    Calibrator,
    ColumnType,
    Component,
    Loss,
    Registry,
    Shape,
    verified,
)
from declnet_plugins.exchange.ensembles import combined, majority, mean_of, median
from declnet_plugins.exchange.exported_model import (
    ExportedFinish,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    Part,
)
from declnet_plugins.exchange.exporter import Exporter, ExportError, TranslatedPart
from declnet_plugins.exchange.format_writer import FormatWriter, WrittenOutput
from declnet_plugins.exchange.plain_names import plain_names_of
from declnet_plugins.exchange.recorded import is_long, recorded_program
from declnet_plugins.exchange.translation import (
    TranslatedMethod,
    Translation,
    TranslationSite,
    Untranslatable,
)
from declnet_plugins.recording import SampleProgram

RECORDED, SOURCE = "recorded", "source"
"""How a component is written that has no translation: its calls of NumPy, or its own code."""

COLUMN_TYPES: dict[str, ColumnType] = {"float": "number", "integer": "integer"}
"""The type of a column for what a layer takes."""


class _NoTranslation(Untranslatable):
    """A component that has no translation, and cannot be written without one."""


class _Placeholders:
    """A writer that writes nothing."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def translate_model(
    model: ExportedModel, file_format: str, writer: FormatWriter
) -> tuple[TranslatedPart, ...]:
    """Write a model by the translations of a format.

    Args:
        model: the model.
        file_format: the type of the exporter.
        writer: writes what is between the components.

    Returns:
        What was translated, in the order of a prediction.

    Raises:
        ExportError: components have no translation, each listed with its places, or a translation
            refuses a component.
    """
    walk = _Walk(model, file_format, writer)
    walk.write()
    return tuple(walk.parts)


def find_translation(
    registry: Registry, file_format: str, component: Component
) -> tuple[Translation, str] | None:
    """Return the translation of a component into a format, and its distribution; None without.

    Only the component's exact class counts.
    """
    for entry in registry.covering(Translation.kind, component.type, file_format):
        translation: type[Translation] = entry.component
        if translation.format == file_format and type(component) in translation.replaces:
            return translation(), entry.plugin.requirement
    return None


def needs_translation(component: Component, method: TranslatedMethod) -> bool:
    """Return whether a method of a component changes anything, so that a format must compute it."""
    if method == "predictions":
        return type(component).predictions is not Loss.predictions  # type: ignore[attr-defined]
    if method in ("apply", "intervals", "sets") and isinstance(component, Calibrator):
        return method in component.gives()
    return not (method == "forward" and getattr(component, "only_reshapes", False))


def _missing(
    registry: Registry,
    file_format: str,
    component: type[Component],
    places: Sequence[str],
    reason: str,
) -> tuple[str, str]:
    """Return the message about a class without a translation, and what to do.

    Args:
        reason: why its NumPy code cannot be written instead; empty if the format cannot do so.
    """
    plugin = registry.plugin_of(component)
    origin = f" of {plugin.described()}" if plugin is not None else ""
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    message = f"{', '.join(places[:3])}{more}: {component.kind} type "
    message += f'"{component.type}"{origin} has no translation into the format "{file_format}"'
    message += f", and its NumPy code cannot be written: it {reason}" if reason else ""
    for failure in registry.failures:
        if failure.kind == Translation.kind:
            broken = f'{failure.plugin} has "{failure.type}", but is broken: {failure.cause}'
            return message, broken
    formats = [
        other
        for other in registry.types(Exporter.kind)
        if any(
            component in entry.component.replaces and entry.component.format == other
            for entry in registry.covering(Translation.kind, component.type, other)
        )
    ]
    elsewhere = f"choose another format ({', '.join(formats)}), or " if formats else ""
    hint = f"{elsewhere}install a plugin with such a translation, or write one: it is a "
    hint += f'class with format = "{file_format}" and replaces = ({component.__name__},)'
    return message, hint


class _Walk:
    """The way of a model's columns through its members to the outputs of a file.

    After a component that cannot be written, nothing is; the rest is only checked.
    """

    def __init__(self, model: ExportedModel, file_format: str, writer: Any) -> None:
        self.model, self.format, self.writer = model, file_format, writer
        self.parts: list[TranslatedPart] = []
        self._capable = writer
        self._missing: dict[type[Component], tuple[str, list[str]]] = {}
        self._refusals: list[tuple[str, str | None]] = []
        self._columns: dict[str, Any] = {}
        self._names = plain_names_of(model)

    def write(self) -> None:
        """Write the whole model; raise ExportError for all components that cannot be written."""
        model = self.model
        if len(model.members) > 1 and not hasattr(self.writer, "program"):
            message = f'the format "{self.format}" cannot average several networks'
            raise ExportError([(message, "export one of the runs")])
        self._columns = {column.name: self.writer.column(column) for column in model.columns}
        handles_of_members = [self._member(member) for member in model.members]
        weights = [member.weight for member in model.members]
        for number, output in enumerate(model.outputs):
            predictions, *others = handles = [handles[number] for handles in handles_of_members]
            if others:
                finish = model.members[0].finish[number]
                prepared = finish.target_steps or finish.calibration
                mean = mean_of(weights, np.dtype(float) if prepared else model.dtype)
                name, shape = f"{self._name_of(output)}.mean", output.shape
                predictions = self._combined(name, handles, mean, shape)
            self.writer.output(output, self._limits(number, output, predictions))
        if self._missing or self._refusals:
            missing = (
                _missing(model.registry, self.format, component, places, reason)
                for component, (reason, places) in self._missing.items()
            )
            raise ExportError([*missing, *self._refusals])

    def _member(self, member: ExportedMember) -> list[Any]:
        """Write a network, and return its predictions for each output."""
        prefix = self._prefix(member)
        parts = self._prepared(member, prefix)
        values: dict[str, Any] = {}
        for input_ in member.inputs:
            handles = [parts[name][input_.part] for name in input_.columns]
            name = ".".join(self._names[part] for part in input_.value.split("."))
            values[input_.value] = self.writer.joined(f"{prefix}{name}", input_, handles)
        for node in member.nodes:
            inputs = tuple(values[name] for name in node.inputs)
            values[node.name] = self._node(member, node, inputs)
        return [
            self._finished(prefix, output, finish, values[finish.value])
            for output, finish in zip(self.model.outputs, member.finish, strict=True)
        ]

    def _prepared(self, member: ExportedMember, prefix: str) -> dict[str, dict[Part, Any]]:
        """Write the transforms of a member; return the parts of each column."""
        parts: dict[str, dict[Part, Any]]
        parts = {name: {"values": column} for name, column in self._columns.items()}
        counts: Counter[tuple[str, str]] = Counter()
        for step in member.steps:
            key = step.column, step.transform.type
            counts[key] += 1
            again = "" if counts[key] == 1 else f".{counts[key]}"
            handles = self._translated(
                _place_in(member, f'column "{step.column}"'),
                step.transform,
                f"{prefix}{self._names[step.column]}.{step.transform.type}{again}",
                "apply",
                (parts[step.column]["values"],),
                (step.input_shape,),
                step.output_shape,
                input_types=(step.input_type,),
                output_type=step.output_type,
                state=step.state,
                results=len(step.gives),
            )
            parts[step.column] = dict(zip(step.gives, handles, strict=True))
        return parts

    def _node(self, member: ExportedMember, node: ExportedNode, inputs: tuple[Any, ...]) -> Any:
        name = f"{self._prefix(member)}{self._names[node.name]}"
        place = _place_in(member, f'layer "{node.name}"')
        if not needs_translation(node.layer, "forward"):
            self._note(place, node.layer)
            return self.writer.reshaped(name, inputs[0], node.output_shape)
        (handle,) = self._translated(
            place,
            node.layer,
            name,
            "forward",
            inputs,
            node.input_shapes,
            node.output_shape,
            input_types=tuple(COLUMN_TYPES[dtype] for dtype in node.input_dtypes),
            parameters=node.parameters,
        )
        return handle

    def _finished(
        self, prefix: str, output: ExportedOutput, finish: ExportedFinish, handle: Any
    ) -> Any:
        """Write what leads from a network's value to the predictions of a loss."""
        prefix += self._name_of(output)
        place, shape = _place("loss", output), output.shape
        if needs_translation(finish.loss, "predictions"):
            name, before = f"{prefix}.predictions", (finish.value_shape,)
            (handle,) = self._translated(
                place, finish.loss, name, "predictions", (handle,), before, shape
            )
        else:
            self._note(place, finish.loss)
        place = _place("target of", output)
        for number, (transform, state) in enumerate(reversed(finish.target_steps), start=1):
            name = f"{prefix}.target.{number}"
            (handle,) = self._translated(
                place, transform, name, "inverse", (handle,), (shape,), shape, state=state
            )
        place, task_shape, changed = _place("calibration of", output), output.task_shape, False
        for number, (calibrator, state) in enumerate(finish.calibration, start=1):
            if not needs_translation(calibrator, "apply"):
                self._note(place, calibrator)
                continue
            if not changed and task_shape != shape:
                handle = self.writer.reshaped(f"{prefix}.uncalibrated", handle, task_shape)
            name, changed = f"{prefix}.calibrated.{number}", True
            (handle,) = self._translated(
                place, calibrator, name, "apply", (handle,), (task_shape,), task_shape, state=state
            )
        if changed and task_shape != shape:
            handle = self.writer.reshaped(f"{prefix}.calibrated", handle, shape)
        return handle

    def _limits(self, number: int, output: ExportedOutput, predictions: Any) -> WrittenOutput:
        """Write the intervals and sets for an output's predictions."""
        if not (output.intervals or output.sets):
            return WrittenOutput(predictions)
        name, task_shape, handle = self._name_of(output), output.task_shape, predictions
        if task_shape != output.shape:
            handle = self.writer.reshaped(f"{name}.given", predictions, task_shape)
        method: TranslatedMethod = "intervals" if output.intervals else "sets"
        shape = output.interval_shape if output.intervals else (len(output.classes or ()),)
        limits = []
        for member in self.model.members:
            calibrator, state = next(
                step for step in member.finish[number].calibration if method in step[0].gives()
            )
            limits.append(
                self._translated(
                    _place("calibration of", output),
                    calibrator,
                    f"{self._prefix(member)}{name}.{method}",
                    method,
                    (handle,),
                    (task_shape,),
                    shape,
                    output_type="number" if output.intervals else "boolean",
                    state=state,
                    results=2 if output.intervals else 1,
                )
            )
        if output.sets:
            sets = self._combined(f"{name}.sets", [sets for (sets,) in limits], majority, shape)
            return WrittenOutput(predictions, sets=sets)
        lower, upper = (
            self._combined(f"{name}.{side}", handles, median, shape)
            for side, handles in zip(("lower", "upper"), zip(*limits, strict=True), strict=True)
        )
        return WrittenOutput(predictions, lower, upper)

    def _prefix(self, member: ExportedMember) -> str:
        return f"{self._names[member.name]}." if member.name else ""

    def _name_of(self, output: ExportedOutput) -> str:
        return self._names[output.name] if output.name else "output"

    def _combined(
        self, name: str, handles: Sequence[Any], function: Callable[..., Array], shape: Shape
    ) -> Any:
        """Write what a function makes of several networks' results; of one, it is the result."""
        if len(handles) == 1 or self._is_faulty:
            return handles[0]
        return combined(name, function, handles, shape, self.writer)

    def _translated(
        self,
        place: str,
        component: Component,
        name: str,
        method: TranslatedMethod,
        inputs: tuple[Any, ...],
        input_shapes: tuple[Shape, ...],
        output_shape: Shape,
        *,
        input_types: tuple[ColumnType, ...] = ("number",),
        output_type: ColumnType = "number",
        **more: Any,
    ) -> tuple[Any, ...]:
        """Write a component by its translation, and return the handles of its results.

        Args:
            place: what messages call it.
            more: further arguments of `TranslationSite`.
        """
        site = TranslationSite(
            name=name,
            inputs=inputs,
            input_shapes=input_shapes,
            input_types=input_types,
            output_shape=output_shape,
            output_type=output_type,
            method=method,
            dtype=self.model.dtype,
            writer=self.writer,
            **more,
        )
        nothing = (None,) * site.results
        try:
            handles, translation, origin = self._written(component, site)
        except _NoTranslation as error:
            _, places = self._missing.setdefault(type(component), (error.message, []))
            places += [] if place in places else [place]
        except Untranslatable as error:
            message = f'{place}: {component.kind} type "{component.type}" cannot be written in '
            message += f'the format "{self.format}": {error.message}'
            self._refusals.append((message, error.help))
        else:
            self._note(place, component, translation, origin)
            return nothing if self._is_faulty else handles
        self.writer = _Placeholders()
        return nothing

    @property
    def _is_faulty(self) -> bool:
        return self.writer is not self._capable

    def _written(
        self, component: Component, site: TranslationSite
    ) -> tuple[tuple[Any, ...], str, str]:
        """Write a component; return the handles, the translation's type and its distribution."""
        entry, refusal = find_translation(self.model.registry, self.format, component), None
        if entry is not None:
            translation, origin = entry
            try:
                handles: Any = ()
                if not self._is_faulty:
                    handles = verified(Translation.translate, translation, component, site)
            except Untranslatable as error:
                refusal = error
            else:
                return handles, translation.type, origin
        try:
            program = self._program_of(component, site)
        except Untranslatable as error:
            raise refusal or _NoTranslation(error.message) from None
        if program is None:
            return self.writer.source(site, component), SOURCE, ""
        return self.writer.program(site, program), RECORDED, ""

    def _program_of(self, component: Component, site: TranslationSite) -> SampleProgram | None:
        """Return the program of a component; None if the file is better off with its source.

        Raises:
            Untranslatable: it cannot be written without a translation; why, or an empty message.
        """
        reason, program = Untranslatable(""), None
        writer: Any = self._capable
        if hasattr(writer, "program"):
            try:
                program = recorded_program(component, site)
            except Untranslatable as error:
                reason = error
        if hasattr(writer, "verify_source") and (program is None or is_long(program)):
            with suppress(Untranslatable):
                writer.verify_source(component, site)
                return None
        if program is None:
            raise reason
        return program

    def _note(
        self, place: str, component: Component, translation: str = "", origin: str = ""
    ) -> None:
        part = TranslatedPart(place, component.kind, component.type, translation, origin)
        if part not in self.parts:
            self.parts.append(part)


def _place_in(member: ExportedMember, part: str) -> str:
    """Return what messages call a part of a network, e.g. `layer "dense_1" of fold_1`."""
    return f"{part} of {member.name}" if member.name else part


def _place(part: str, output: ExportedOutput) -> str:
    """Return what messages call a part of an output, e.g. `target of "price"`."""
    return f'{part} "{output.name}"' if output.name else part.removesuffix(" of")
