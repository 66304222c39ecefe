"""Blocks: lists of layers in `model.layers` that are repeated, named together, or residual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from declnet.contracts.network.inputs import INPUT
from declnet.contracts.network.layer import Layer
from declnet.contracts.strict_model import LayerName, StrictModel
from declnet.errors import Diagnostic, KeyPath
from declnet.registry.plugin import FIRST_PARTY
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest
from declnet.spec.document.variables import MOST_SUGGESTIONS, MOST_VALUES, size_of

LAYERS = ("model", "layers")
MOST_LAYERS = 20_000
"""Maximum number of layers that blocks may make."""

TOO_MANY = f"the blocks make more than {MOST_LAYERS:,} layers"


class Block(StrictModel):
    """Layers that are repeated, named together, or whose input is added to their output."""

    name: LayerName | None = Field(
        default=None, description="begins the names of its layers, e.g. trunk_1_dense"
    )
    repeat: int | None = Field(
        default=None,
        ge=1,
        le=MOST_LAYERS,
        description="how many times its layers follow one another, each with its own parameters",
    )
    residual: bool = Field(
        default=False, description="whether its input is added to the output of each repetition"
    )
    layers: tuple[Any, ...] = Field(min_length=1, description="layers and blocks, in order")


@dataclass(frozen=True)
class WrittenLayer:
    """The location where an expanded layer is written.

    Attributes:
        path: the layer, or the key `residual` that adds it.
        is_sum: whether it closes a residual block.
        is_invalid: whether it takes the place of an invalid block.
        short_names: the short names that it could have used, if it names an unknown input.
    """

    path: KeyPath
    is_sum: bool = False
    is_invalid: bool = False
    short_names: tuple[str, ...] = ()


@dataclass(eq=False)
class Expanded:
    """The layers of a document without blocks.

    Attributes:
        layers: the layers as tables, names and instances.
        written: where each is written.
        errors: pydantic's errors in the keys of blocks, at paths as written.
        diagnostics: other errors in blocks.
    """

    layers: list[Any] = field(default_factory=list)
    written: list[WrittenLayer] = field(default_factory=list)
    errors: list[ErrorDetails] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def is_block(item: Any) -> bool:
    """Return whether an item of a list of layers is a block."""
    keys = ("layers", "repeat", "residual")
    return isinstance(item, dict) and "type" not in item and any(key in item for key in keys)


def expanded(items: Sequence[Any], registry: Registry) -> Expanded:
    """Write out every block in a list of layers.

    Layers in a block with a name get names that begin with it. The `inputs` of layers in a block
    that are short names of layers of the same repetition become their full names.

    Args:
        items: `model.layers`, with valid and invalid items.
        registry: where the layer that adds the input of a residual block is looked up.
    """
    expansion = _Expansion(registry)
    try:
        expansion.add_all(items, LAYERS, _Scope())
    except _TooManyLayers as error:
        expansion = _Expansion(registry, repeats=False)
        expansion.add_all(items, LAYERS, _Scope())
        message = error.message
        expansion.result.diagnostics.append(Diagnostic(message, None, error.path, "E013"))
    return expansion.result


class _TooManyLayers(Exception):  # noqa: N818  # never leaves this module
    def __init__(self, message: str, path: KeyPath) -> None:
        self.message, self.path = message, path


@dataclass(eq=False)
class _Scope:
    """One repetition of a block, or the whole list.

    Attributes:
        outer: the repetition around it; None for the whole list.
        prefix: what names begin with; empty outside of blocks that have a name.
        owner: the scope that names its layers: the nearest one with a prefix, or the whole list;
            None if it is this one.
        is_repeated: whether a name written here would occur in several repetitions.
        count: the number of layers of each type.
        known: full names by short name, of layers and of blocks, whose output is meant.
        layers: the names of layers as written.
        blocks: the names of blocks as written, and of their repetitions.
    """

    outer: _Scope | None = None
    prefix: str = ""
    owner: _Scope | None = None
    is_repeated: bool = False
    count: Counter[str] = field(default_factory=Counter)
    known: dict[str, str] = field(default_factory=dict)
    layers: set[str] = field(default_factory=set)
    blocks: set[str] = field(default_factory=set)

    @property
    def naming(self) -> _Scope:
        return self.owner or self

    def counted(self, kind: str | None) -> str | None:
        """Count a layer and return its short name: its type, from the second on with the count."""
        if kind is None:
            return None
        self.count[kind] += 1
        return kind if self.count[kind] == 1 else f"{kind}_{self.count[kind]}"

    def short_names(self) -> tuple[str, ...]:
        """Return the short names known here."""
        around = self.outer.short_names() if self.outer is not None else ()
        return (*self.known, *around)

    def full_name(self, source: Any) -> Any:
        """Return the full name of an input, in the innermost repetition that has such a name."""
        scope: _Scope | None = self
        while scope is not None and isinstance(source, str):
            if source in scope.known:
                return scope.known[source]
            scope = scope.outer
        return source


class _Expansion:
    def __init__(self, registry: Registry, *, repeats: bool = True) -> None:
        self.result = Expanded()
        self._registry, self._repeats = registry, repeats
        self._types = registry.types(Layer.kind)
        self._names: list[str] = []
        self._known = {INPUT}
        self._count: Counter[str] = Counter()
        self._size = self._unknown = 0
        self._reported: set[KeyPath] = set()

    def add_all(self, items: Sequence[Any], path: KeyPath, scope: _Scope) -> None:
        for position, item in enumerate(items):
            where = (*path, position)
            if is_block(item):
                self._add_block(item, where, scope)
            else:
                self._add_layer(item, WrittenLayer(where), scope)
                self._size += size_of(item)
            too_many = TOO_MANY if len(self._names) > MOST_LAYERS else None
            if self._size > MOST_VALUES:
                too_many = f"the blocks make more than {MOST_VALUES:,} values"
            if too_many is not None and self._repeats and scope.outer is not None:
                raise _TooManyLayers(too_many, (*path[:-1], "repeat"))

    def _add_block(self, item: dict[str, Any], path: KeyPath, scope: _Scope) -> None:
        block = self._validated(item, path)
        if block is None:
            self._append({}, WrittenLayer(path, is_invalid=True), None, None)
            return
        name = self._usable_name(block.name, path, scope, is_block=True)
        outputs: dict[str, str] = {}
        for number in range(1, (block.repeat or 1) + 1 if self._repeats else 2):
            inner = self._scope_in(scope, block, name, number)
            entry = self._names[-1] if self._names else INPUT
            self.add_all(block.layers, (*path, "layers"), inner)
            if block.residual:
                self._add_sum(entry, (*path, "residual"), inner)
            outputs[f"{block.name}_{number}"] = outputs[f"{block.name}"] = self._names[-1]
        if block.name is not None:
            if block.repeat is None:
                del outputs[f"{block.name}_1"]
            scope.known.update(outputs)
        if name is not None:
            for duplicate in scope.naming.layers & outputs.keys():
                self._report_duplicate(duplicate, path, "a layer")
            scope.naming.known.update(outputs)
            scope.naming.blocks.update(outputs)

    def _scope_in(self, outer: _Scope, block: Block, name: str | None, number: int) -> _Scope:
        """Return the scope of a repetition."""
        around = outer.naming
        if name is None:
            is_repeated = outer.is_repeated or (block.repeat or 1) > 1
            return _Scope(outer, around.prefix, around, is_repeated)
        numbered = name if block.repeat is None else f"{name}_{number}"
        return _Scope(outer, f"{around.prefix}_{numbered}" if around.prefix else numbered)

    def _validated(self, item: dict[str, Any], path: KeyPath) -> Block | None:
        """Return a block without its invalid keys, or None if its layers are invalid."""
        try:
            return Block.model_validate(item)
        except ValidationError as error:
            details = error.errors()
        if path not in self._reported:
            self._reported.add(path)
            self.result.errors += [{**detail, "loc": (*path, *detail["loc"])} for detail in details]
        valid = Block.model_fields.keys() - {detail["loc"][0] for detail in details}
        if "layers" not in valid:
            return None
        return Block.model_validate({key: value for key, value in item.items() if key in valid})

    def _add_sum(self, entry: str, path: KeyPath, scope: _Scope) -> None:
        """Add the layer that adds a block's input to its output."""
        sum_type = self._sum_type
        if sum_type is None:
            message = '"residual" needs a layer that adds its inputs, and none is installed'
            hint = "install a plugin with such a layer (adds_inputs = True)"
            self._report(Diagnostic(message, hint, path, "E015", focus="key"))
            return
        table = {"type": sum_type, "inputs": [entry, self._names[-1]]}
        self._add_layer(table, WrittenLayer(path, is_sum=True), scope)

    @cached_property
    def _sum_type(self) -> str | None:
        """The type of the layer that adds its inputs, declnet's own if there are several."""
        plugins = {
            entry.type: entry.plugin
            for entry in self._registry.entries(Layer.kind)
            if _can_close_blocks(entry.component)
        }
        first = sorted(plugins, key=lambda kind: (not plugins[kind].is_of(FIRST_PARTY), kind))
        return first[0] if first else None

    def _add_layer(self, item: Any, written: WrittenLayer, scope: _Scope) -> None:
        kind, label, inputs = self._type_of(item), _key(item, "name"), _key(item, "inputs")
        name = label if isinstance(label, str) else None
        usable = self._usable_name(name, written.path, scope)
        naming = scope.naming
        counted = naming.counted(kind)
        short = full_name = usable
        if naming.prefix:
            short = usable or counted
            full_name = f"{naming.prefix}_{short}" if short and (name or label is None) else None
        changes: dict[str, Any] = {"name": full_name} if full_name != name else {}
        if isinstance(inputs, list | tuple) and not written.is_sum:
            full = [scope.full_name(input_) for input_ in inputs]
            if full != list(inputs):
                changes["inputs"] = full
            is_unknown = not all(isinstance(name, str) and name in self._known for name in full)
            if is_unknown and self._unknown < MOST_SUGGESTIONS:
                self._unknown += 1
                written = replace(written, short_names=scope.short_names())
        source = _key(item, "weights_from")
        if scope.full_name(source) != source:
            changes["weights_from"] = scope.full_name(source)
        model_name = self._append(_changed(item, changes), written, kind, full_name)
        if naming.prefix and short is not None:
            naming.known[short] = model_name
        if naming is not scope:
            local = scope.counted(kind)
            scope.known[name or local or model_name] = model_name

    def _type_of(self, item: Any) -> str | None:
        """Return the type of a layer, or the installed one that was probably meant, or None."""
        written = item if isinstance(item, str) else _key(item, "type")
        if not isinstance(written, str) or written in self._types:
            return written if isinstance(written, str) else None
        return closest(written, self._types) or written

    def _append(self, item: Any, written: WrittenLayer, kind: str | None, name: str | None) -> str:
        """Append a layer and return its name in the model."""
        if kind is not None:
            self._count[kind] += 1
        counted = f"{kind}_{self._count[kind]}" if kind else f"layer {len(self._names)}"
        self.result.layers.append(item)
        self.result.written.append(written)
        self._names.append(name or counted)
        self._known.add(self._names[-1])
        return self._names[-1]

    def _usable_name(
        self, name: str | None, path: KeyPath, scope: _Scope, *, is_block: bool = False
    ) -> str | None:
        """Return a name as written, or None with an error if it cannot be used here."""
        if name is None:
            return None
        naming = scope.naming
        if scope.is_repeated:
            message = f'"{name}" is in a repeated block without a name, so it is not unique'
            hint = f"name the block, e.g. block: its layers are called block_1_{name}, …"
            self._report(Diagnostic(message, hint, (*path, "name"), "E019"))
            return None
        if name in naming.blocks or (is_block and name in naming.layers):
            self._report_duplicate(name, path, "a layer" if name in naming.layers else "a block")
            return None
        (naming.blocks if is_block else naming.layers).add(name)
        return name

    def _report_duplicate(self, name: str, path: KeyPath, owner: str) -> None:
        hint = f"{owner} has it; rename one of the two"
        self._report(Diagnostic(f'the name "{name}" is taken', hint, (*path, "name"), "E019"))

    def _report(self, problem: Diagnostic) -> None:
        """Report a problem once, not for each repetition."""
        if problem.path not in self._reported:
            self._reported.add(problem.path)
            self.result.diagnostics.append(problem)


def _can_close_blocks(component: type[Layer]) -> bool:
    needs_fields = any(field.is_required() for field in component.model_fields.values())
    return component.adds_inputs and component.n_inputs in (None, 2) and not needs_fields


def _key(item: Any, key: str) -> Any:
    """Return the value of a layer's key, or None."""
    return item.get(key) if isinstance(item, dict) else getattr(item, key, None)


def _changed(item: Any, changes: Mapping[str, Any]) -> Any:
    """Return a layer with other values for some keys; None removes a key."""
    if not changes:
        return item
    if isinstance(item, Layer):
        return item.model_copy(update={"name": item.name, **changes})
    table = {"type": item} if isinstance(item, str) else item
    if not isinstance(table, dict):
        return item
    merged = {**table, **changes}
    return {key: value for key, value in merged.items() if key not in changes or value is not None}
