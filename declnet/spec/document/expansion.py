"""Expansion of a composed document: variables replaced, blocks of layers written out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import ErrorDetails

from declnet.errors import Diagnostic, KeyPath, Place, SpecError
from declnet.registry.registry import Registry
from declnet.spec.document.blocks import LAYERS, Expanded, WrittenLayer, expanded, is_block
from declnet.spec.document.source_map import Focus, SourceMap, value_at
from declnet.spec.document.variables import VARIABLES, substituted
from declnet.spec.requirements import registry_for

_ABOUT_VALUES = frozenset({"E010", "E011", "E012", "E013", "E014", "E015", "E018"})
"""Codes whose help says what to write in place of a value."""


@dataclass(eq=False)
class ExpandedMap(SourceMap):
    """The locations of values in an expanded document.

    Attributes:
        document: the expanded document; paths lead through it unless a method says otherwise.
        origin: the writers of the document as written.
        written: the document as written, with its locations.
        uses: the name of the variable written at each path.
        layers: where each layer is written; None if no layer is in a block.
    """

    written: SourceMap = field(default_factory=SourceMap)
    uses: Mapping[KeyPath, str] = field(default_factory=dict)
    layers: Sequence[WrittenLayer] | None = None

    def layer(self, index: int) -> WrittenLayer:
        """Return where a layer is written."""
        if self.layers is None or index >= len(self.layers):
            return WrittenLayer((*LAYERS, index))
        return self.layers[index]

    def written_path(self, path: KeyPath) -> KeyPath:
        """Return the path of the same value in the document as written."""
        layer, rest = self._layer(path), path[len(LAYERS) + 1 :]
        if layer is None:
            return path
        return layer.path if layer.is_sum else (*layer.path, *rest)

    def defining_path(self, path: KeyPath) -> KeyPath:
        """Return the path of the same value as written, or of its variable's definition."""
        path = self.written_path(path)
        return self._definition(path) or path

    def place_of(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Return where a path is written, or else where the innermost value around it is."""
        return self.written.place_of(self.written_path(path), focus)

    def origins(self, path: KeyPath) -> list[Place]:
        """Return where exactly this path is written, and the definition of its variable."""
        layer = self._layer(path)
        if layer is not None and path[len(LAYERS) + 1 :] == ("name",):
            return self._origins_of_name(layer.path)
        path = self.written_path(path)
        definition = self._definition(path)
        places = [self.written.exact_place(part) for part in (path, definition) if part]
        if definition is not None and len(definition) > 2:  # below the value that is written
            use = self.written.exact_place(path[: len(path) - len(definition) + 2])
            places = [use, places[-1]] if places[-1] is not None else []
        return [place for place in places if place is not None]

    def _origins_of_name(self, layer: KeyPath) -> list[Place]:
        """Return where a layer's name is written, and the names of blocks that it begins with."""
        outer = [layer[:length] for length in range(len(LAYERS) + 1, len(layer) + 1)]
        places = [self.written.exact_place((*block, "name")) for block in outer]
        return [place for place in places if place is not None]

    def as_written(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return diagnostics with paths as written, each once for all repetitions of a layer.

        Those in a variable's value get a note on the variable's definition; the same error in
        several uses is reported at the first.
        """
        first: dict[tuple[KeyPath, str], KeyPath] = {}
        distinct: dict[tuple[Any, ...], Diagnostic] = {}
        for diagnostic in diagnostics:
            path = self.written_path(diagnostic.path)
            outer = diagnostic.path[: len(LAYERS) + 1]
            if first.setdefault((path, diagnostic.code), outer) == outer:
                place = self._definition(path) or diagnostic.path
                distinct.setdefault(
                    (diagnostic.message, diagnostic.code, place),
                    self.with_notes(replace(diagnostic, path=path)),
                )
        return tuple(distinct.values())

    def with_notes(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic in a variable's value with a note on the variable's definition."""
        definition = self._definition(diagnostic.path)
        if definition is None:
            return diagnostic
        place = self.written.place_of(definition, diagnostic.focus)
        name, help_ = definition[1], diagnostic.help
        if help_ and diagnostic.code in _ABOUT_VALUES:
            help_ = f'in the value of "{name}": {help_}'
        notes = ((f'"{name}" is defined here', place),) if place is not None else ()
        return replace(diagnostic, help=help_, notes=notes)

    def locate(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return diagnostics with paths as written with their places, in the order of the files."""
        return self.written.locate(diagnostics)

    def _layer(self, path: KeyPath) -> WrittenLayer | None:
        if self.layers is None or path[: len(LAYERS)] != LAYERS or len(path) == len(LAYERS):
            return None
        index = path[len(LAYERS)]
        return self.layer(index) if isinstance(index, int) else None

    def _definition(self, path: KeyPath) -> KeyPath | None:
        """Return the path in the section of variables of a value as written, if it is there."""
        for length in range(len(path), 0, -1):
            name = self.uses.get(path[:length])
            if name is not None:
                return (VARIABLES, name, *path[length:])
        return None


@dataclass(frozen=True, eq=False)
class Expansion:
    """An expanded document with the errors found on the way, with paths as written.

    Attributes:
        source_map: the document and the locations of its values.
        plain: the document with variables replaced and blocks as written.
        registry: the registry that prefers what the document lists as `plugins`.
        errors: pydantic's errors in the keys of blocks.
        diagnostics: errors in variables, and other errors in blocks.
        invalid: where blocks are written whose layers could not be expanded, and variables whose
            values are invalid; errors there would be redundant.
    """

    source_map: ExpandedMap
    plain: Mapping[str, Any]
    registry: Registry
    errors: Sequence[ErrorDetails] = ()
    diagnostics: Sequence[Diagnostic] = ()
    invalid: frozenset[KeyPath] = frozenset()


def expand(
    source_map: SourceMap, registry: Registry | None, used_before: Collection[str]
) -> Expansion:
    """Replace variables and write out blocks.

    Args:
        source_map: the composed document.
        registry: where names are looked up; default: all installed plugins.
        used_before: variables used in values that were overridden, which counts as use.

    Raises:
        SpecError: the values of variables are too large.
    """
    try:
        variables = substituted(source_map.document, used_before)
    except SpecError as error:
        raise SpecError(source_map.locate(error.problems)) from None
    plain = variables.document
    registry = registry_for(plain.get("plugins"), registry)
    items = value_at(plain, LAYERS)
    expanded_map = ExpandedMap(
        plain, source_map.origin, source_map, variables.uses, warnings=source_map.warnings
    )
    wrong = {error.path[1] for error in variables.diagnostics if error.code == "E072"}
    invalid = {path for path, name in variables.uses.items() if name in wrong}
    model = Expanded()
    if isinstance(items, list | tuple) and any(map(is_block, items)):
        model = expanded(items, registry)
        expanded_map.layers = model.written
        expanded_map.document = {**plain, "model": {**plain["model"], "layers": model.layers}}
        invalid |= {layer.path for layer in model.written if layer.is_invalid}
    return Expansion(
        expanded_map,
        plain,
        registry,
        model.errors,
        (*variables.diagnostics, *model.diagnostics),
        frozenset(invalid),
    )
