"""The walk through a model that exporters share: from raw columns to predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol

from declnet.contracts.annotations import shown
from declnet.contracts.arrays import Shape
from declnet.contracts.component import Component
from declnet.contracts.data.table import ColumnType
from declnet.contracts.formats.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
)
from declnet.contracts.formats.exporter import TranslatedPart
from declnet.contracts.formats.plain_names import plain_names_of
from declnet.contracts.formats.translation import (
    TranslatedMethod,
    Translation,
    TranslationSite,
    Untranslatable,
)
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import BrokenContractError, verified
from declnet.contracts.runs.calibrator import Calibrator
from declnet.display.words import counted, kind_in_words
from declnet.errors import ExportError
from declnet.registry.registry import Registry

Combination = Literal["median", "majority"]
"""How the results of an ensemble's networks become one: sets by the majority."""


@dataclass(frozen=True, eq=False)
class WrittenOutput:
    """The handles of what is predicted for one output.

    Attributes:
        predictions: (n, *shape) of `ExportedOutput.shape`, in the target's units, calibrated.
        lower: (n, *interval shape), if the output has intervals.
        upper: the same.
        sets: (n, classes), if the output has sets.
    """

    predictions: Any
    lower: Any = None
    upper: Any = None
    sets: Any = None


class FormatWriter(Protocol):
    """A writer for everything between the components; handles are whatever the format uses.

    A `name` is safe in code and comments of any language, as `TranslationSite.name`. Names of
    columns, outputs and classes come from data and may be any text: write them as literals only.
    """

    def column(self, column: ExportedColumn) -> Any:
        """Return the handle of a raw column.

        Of a column with a window it is (n * window,), all rows of all samples; of other columns
        (n, *shape).
        """
        ...

    def joined(self, name: str, joined: ExportedInput, columns: Sequence[Any]) -> Any:
        """Return the handle of an input of the network, in the type that the layers take.

        Args:
            name: unique within the file.
            joined: what to join; with several columns, the numbers of each row side by side.
            columns: the handles of its columns; of lengths, their own.
        """
        ...

    def reshaped(self, name: str, handle: Any, shape: Shape) -> Any:
        """Return the handle of (n, *shape), the same numbers of each sample in the same order."""
        ...

    def mean(self, name: str, handles: Sequence[Any], weights: Sequence[float]) -> Any:
        """Return the handle of the weighted mean of several networks' results of one shape.

        Args:
            name: unique within the file.
            handles: at least two results.
            weights: the weight of each; they add up to 1.
        """
        ...

    def combined(self, name: str, handles: Sequence[Any], how: Combination) -> Any:
        """Return the handle of several networks' limits of one shape as one.

        `sets` are combined by the majority: a class is in if more than half of them have it.
        """
        ...

    def output(self, output: ExportedOutput, written: WrittenOutput) -> None:
        """Write the last step, from predictions to classes, and declare the file's outputs."""
        ...


def translate_model(
    model: ExportedModel,
    file_format: str,
    writer: FormatWriter,
) -> tuple[TranslatedPart, ...]:
    """Write a model by the translations of a format.

    Args:
        model: the model.
        file_format: the type of the exporter.
        writer: writes what is between the components.

    Returns:
        What was translated, in the order of a prediction.

    Raises:
        ExportError: a component has no translation, or its translation refuses it; lists all of
            the former, each with its place.
    """
    walk = _Walk(model, file_format, writer)
    walk.require_translations()
    walk.write()
    return tuple(walk.parts)


def find_translation(
    registry: Registry,
    file_format: str,
    component: Component,
) -> tuple[Translation, str] | None:
    """Return the translation of a component into a format, and its distribution; None without.

    Only the component's exact class counts.
    """
    for entry in registry.translating(file_format, component.type):
        found: type[Translation] = entry.component
        if found.format == file_format and type(component) in found.replaces:
            return found(), entry.plugin.requirement
    return None


def needs_translation(component: Component, method: TranslatedMethod) -> bool:
    """Return whether a method of a component changes anything, so that a format must compute it."""
    if method == "predictions":
        return type(component).predictions is not Loss.predictions  # type: ignore[attr-defined]
    if method in ("apply", "intervals", "sets") and isinstance(component, Calibrator):
        return method in component.gives()
    return not (method == "forward" and getattr(component, "only_reshapes", False))


@dataclass(frozen=True)
class _Use:
    """A component of the model, where it is, and what of it is computed."""

    name: str
    component: Component
    method: TranslatedMethod


class _Walk:
    def __init__(self, model: ExportedModel, written: str, writer: FormatWriter) -> None:
        self.model, self.format, self.writer = model, written, writer
        self.parts: list[TranslatedPart] = []
        self._columns: dict[str, Any] = {}
        self._names = plain_names_of(model)

    def require_translations(self) -> None:
        missing: dict[type[Component], list[str]] = {}
        for use in self._uses():
            if needs_translation(use.component, use.method) and (
                find_translation(self.model.registry, self.format, use.component) is None
            ):
                names = missing.setdefault(type(use.component), [])
                if use.name not in names:
                    names.append(use.name)
        if missing:
            raise ExportError(self._missing(kind, names) for kind, names in missing.items())

    def _missing(self, component: type[Component], names: Sequence[str]) -> tuple[str, str]:
        plugin = self.model.registry.plugin_of(component)
        origin = f" of {plugin.described()}" if plugin is not None else ""
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        message = f"{', '.join(names[:3])}{more}: {kind_in_words(component.kind)} type "
        message += f'"{component.type}"{origin} has no translation into the format "{self.format}"'
        for failure in self.model.registry.failures:
            if failure.kind == Translation.kind:
                broken = f'{failure.plugin} has "{failure.type}", but is broken: {failure.cause}'
                return message, broken
        formats = self._formats_of(component)
        elsewhere = f"choose another format ({', '.join(formats)}), or " if formats else ""
        hint = f"{elsewhere}install a plugin with such a translation, or write one: it is a "
        hint += f'class with format = "{self.format}" and replaces = ({component.__name__},)'
        return message, hint

    def _formats_of(self, component: type[Component]) -> list[str]:
        registry = self.model.registry
        others = [type_ for type_ in registry.types("exporter") if type_ != self.format]
        return [
            other
            for other in others
            if any(
                component in each.component.replaces and each.component.format == other
                for each in registry.translating(other, component.type)
            )
        ]

    def _uses(self) -> Iterator[_Use]:
        for member in self.model.members:
            for step in member.steps:
                yield _Use(_of_column(member, step.column), step.transform, "apply")
            for node in member.nodes:
                yield _Use(_of_layer(member, node), node.layer, "forward")
            for output, finish in zip(self.model.outputs, member.finish, strict=True):
                yield _Use(_of_output(output), finish.loss, "predictions")
                for transform, _ in finish.target_steps:
                    yield _Use(_of_target(output), transform, "inverse")
                for calibrator, _ in finish.calibration:
                    for method in _asked(output):
                        yield _Use(_of_calibration(output), calibrator, method)

    def write(self) -> None:
        model, writer = self.model, self.writer
        self._columns = {column.name: writer.column(column) for column in model.columns}
        by_member = [self._member(member) for member in model.members]
        weights = [member.weight for member in model.members]
        for number, output in enumerate(model.outputs):
            predictions, *others = handles = [own[number] for own in by_member]
            if others:
                predictions = writer.mean(f"{self._output(output)}.mean", handles, weights)
            writer.output(output, self._limits(number, output, predictions))

    def _member(self, member: ExportedMember) -> list[Any]:
        """Write a network, and return its predictions for each output."""
        prefix = self._prefix(member)
        columns, lengths = self._prepared(member, prefix)
        values: dict[str, Any] = {}
        for input_ in member.inputs:
            taken = lengths if input_.lengths else columns
            handles = [taken[name] for name in input_.columns]
            name = ".".join(self._names[part] for part in input_.value.split("."))
            values[input_.value] = self.writer.joined(f"{prefix}{name}", input_, handles)
        for node in member.nodes:
            values[node.name] = self._node(member, node, [values[each] for each in node.inputs])
        pairs = zip(self.model.outputs, member.finish, strict=True)
        return [
            self._finished(prefix, output, finish, values[finish.value]) for output, finish in pairs
        ]

    def _prepared(
        self, member: ExportedMember, prefix: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        columns, lengths = dict(self._columns), {}
        done: Counter[tuple[str, str]] = Counter()
        for step in member.steps:
            key = step.column, step.transform.type
            done[key] += 1
            again = "" if done[key] == 1 else f".{done[key]}"
            site = TranslationSite(
                f"{prefix}{self._names[step.column]}.{step.transform.type}{again}",
                (columns[step.column],),
                (step.input_shape,),
                (step.input_type,),
                step.output_shape,
                step.output_type,
                "apply",
                self.model.dtype,
                self.writer,
                state=step.state,
            )
            where = _of_column(member, step.column)
            found = self._translated(where, step.transform, site, 2 if step.gives_lengths else 1)
            columns[step.column] = found[0]
            if step.gives_lengths:
                lengths[step.column] = found[1]
        return columns, lengths

    def _node(self, member: ExportedMember, node: ExportedNode, inputs: list[Any]) -> Any:
        name = f"{self._prefix(member)}{self._names[node.name]}"
        if not needs_translation(node.layer, "forward"):
            self._note(_of_layer(member, node), node.layer)
            return self.writer.reshaped(name, inputs[0], node.output_shape)
        types: dict[str, ColumnType] = {"float": "number", "integer": "integer"}
        site = TranslationSite(
            name,
            tuple(inputs),
            node.input_shapes,
            tuple(types[dtype] for dtype in node.input_dtypes),
            node.output_shape,
            "number",
            "forward",
            self.model.dtype,
            self.writer,
            parameters=node.parameters,
        )
        return self._translated(_of_layer(member, node), node.layer, site, 1)[0]

    def _finished(
        self, prefix: str, output: ExportedOutput, finish: ExportedFinish, value: Any
    ) -> Any:
        """Write what leads from a network's value to the predictions of a loss."""
        prefix += self._output(output)
        found = value
        if needs_translation(finish.loss, "predictions"):
            name = f"{prefix}.predictions"
            site = self._site(name, found, finish.value_shape, output.shape, "predictions", {})
            found = self._translated(_of_output(output), finish.loss, site, 1)[0]
        else:
            self._note(_of_output(output), finish.loss)
        for number, (transform, state) in enumerate(reversed(finish.target_steps)):
            name, shape = f"{prefix}.target.{number + 1}", output.shape
            site = self._site(name, found, shape, shape, "inverse", state)
            found = self._translated(_of_target(output), transform, site, 1)[0]
        own, changed = _task_shape(output), False
        for number, (calibrator, state) in enumerate(finish.calibration):
            if not needs_translation(calibrator, "apply"):
                self._note(_of_calibration(output), calibrator)
                continue
            if not changed and own != output.shape:
                found = self.writer.reshaped(f"{prefix}.uncalibrated", found, own)
            name, changed = f"{prefix}.calibrated.{number + 1}", True
            site = self._site(name, found, own, own, "apply", state)
            found = self._translated(_of_calibration(output), calibrator, site, 1)[0]
        if changed and own != output.shape:
            found = self.writer.reshaped(f"{prefix}.calibrated", found, output.shape)
        return found

    def _limits(self, number: int, output: ExportedOutput, predictions: Any) -> WrittenOutput:
        """Write the intervals and sets for an output's predictions."""
        if not (output.intervals or output.sets):
            return WrittenOutput(predictions)
        name, own, taken = self._output(output), _task_shape(output), predictions
        if own != output.shape:
            taken = self.writer.reshaped(f"{name}.given", predictions, own)
        method: TranslatedMethod = "intervals" if output.intervals else "sets"
        classes = len(output.classes or ())
        shape = output.interval_shape if output.intervals else (classes,)
        found = []
        for member in self.model.members:
            calibrator, state = next(
                step for step in member.finish[number].calibration if method in step[0].gives()
            )
            site_name = f"{self._prefix(member)}{name}.{method}"
            site = self._site(site_name, taken, own, shape, method, state)
            count = 2 if output.intervals else 1
            found.append(self._translated(_of_calibration(output), calibrator, site, count))
        if output.sets:
            sets = self._combined(f"{name}.sets", [each[0] for each in found], "majority")
            return WrittenOutput(predictions, sets=sets)
        lower, upper = (
            self._combined(f"{name}.{side}", [each[at] for each in found], "median")
            for at, side in enumerate(("lower", "upper"))
        )
        return WrittenOutput(predictions, lower, upper)

    def _prefix(self, member: ExportedMember) -> str:
        return f"{self._names[member.name]}." if member.name else ""

    def _output(self, output: ExportedOutput) -> str:
        return self._names[output.name] if output.name else "output"

    def _combined(self, name: str, handles: Sequence[Any], how: Combination) -> Any:
        return handles[0] if len(handles) == 1 else self.writer.combined(name, handles, how)

    def _site(
        self, name: str, given: Any, before: Shape, after: Shape, method: Any, state: Any
    ) -> TranslationSite:
        kind: ColumnType = "boolean" if method == "sets" else "number"
        dtype, writer = self.model.dtype, self.writer
        return TranslationSite(
            name, (given,), (before,), ("number",), after, kind, method, dtype, writer, state=state
        )

    def _translated(
        self, where: str, component: Component, site: TranslationSite, results: int
    ) -> tuple[Any, ...]:
        found = find_translation(self.model.registry, self.format, component)
        if found is None:  # require_translations has looked
            raise LookupError(f"no translation of {component.type}")
        translation, origin = found
        try:
            handles = verified(Translation.translate, translation, component, site)
        except Untranslatable as error:
            kind = kind_in_words(component.kind)
            message = f'{where}: {kind} type "{component.type}" cannot be written in the format '
            message += f'"{self.format}": {error.message}'
            raise ExportError([(message, error.help)]) from None
        if len(handles) != results:
            fault = f"returned {shown(handles)}, not a tuple of {counted(results, 'handle')}"
            raise BrokenContractError(translation, "translate", fault)
        self._note(where, component, translation.type, origin)
        return handles

    def _note(
        self, where: str, component: Component, translation: str = "", origin: str = ""
    ) -> None:
        part = TranslatedPart(where, component.kind, component.type, translation, origin)
        if part not in self.parts:
            self.parts.append(part)


def _task_shape(output: ExportedOutput) -> Shape:
    """Return the shape of one prediction as calibrators take it."""
    size = prod(output.shape)
    if output.sort == "flags":
        return (size,)
    return () if size == 1 and output.sort != "classes" else output.shape


def _asked(output: ExportedOutput) -> Iterator[TranslatedMethod]:
    yield "apply"
    if output.intervals:
        yield "intervals"
    if output.sets:
        yield "sets"


def _within(member: ExportedMember, name: str) -> str:
    return f"{name} of {member.name}" if member.name else name


def _of_layer(member: ExportedMember, node: ExportedNode) -> str:
    return _within(member, f'layer "{node.name}"')


def _of_column(member: ExportedMember, column: str) -> str:
    return _within(member, f'column "{column}"')


def _of_output(output: ExportedOutput) -> str:
    return f'loss "{output.name}"' if output.name else "loss"


def _of_calibration(output: ExportedOutput) -> str:
    return f'calibration of "{output.name}"' if output.name else "calibration"


def _of_target(output: ExportedOutput) -> str:
    return f'target of "{output.name}"' if output.name else "target"
