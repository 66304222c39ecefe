"""ParsedSpec, the result of reading and validating a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

from declnet.errors import Diagnostic, SpecError, dotted
from declnet.spec.document.blocks import LAYERS
from declnet.spec.document.document import without_large_numbers
from declnet.spec.document.expansion import ExpandedMap
from declnet.spec.model import RunSpec
from declnet.spec.partial import PartialSpec, valid_parts


@dataclass(frozen=True, eq=False)
class ParsedSpec:
    """The result of validating a document.

    Attributes:
        source_map: the document that was validated and the locations of its values.
        spec: the spec, or None if anything is invalid.
        diagnostics: all errors, most without a place, with paths as written; of a valid spec,
            warnings of keys of earlier versions.
        context: the validation context: `registry` and `folder`.
        is_incomplete: whether a file that the spec extends could not be read.
        members: the results of its members, if it has any.
        repaired: the spec with other names, if these are its only errors.
    """

    source_map: ExpandedMap
    spec: RunSpec | None
    diagnostics: tuple[Diagnostic, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    is_incomplete: bool = False
    members: tuple[ParsedSpec, ...] = ()
    repaired: RunSpec | None = None

    @classmethod
    def of(cls, spec: RunSpec) -> ParsedSpec:
        """Return the result for a valid spec."""
        members = spec.members.members if spec.members is not None else ()
        source_map = spec.source_map
        return cls(
            source_map,
            spec,
            source_map.warnings,
            members=tuple(cls.of(member.spec) for member in members),
        )

    @cached_property
    def partial(self) -> PartialSpec:
        """The parts that are valid on their own; computed on first use, by checks only."""
        spec = self.spec or self.repaired
        if spec is not None:
            return self._with_blocks(PartialSpec.of(spec))
        document = without_large_numbers(self.source_map.document)
        partial = self._with_blocks(valid_parts(document, self.context))
        return replace(partial, lacks_data=False) if self.is_incomplete else partial

    def _with_blocks(self, partial: PartialSpec) -> PartialSpec:
        """Return the parts with the places of layers in their blocks."""
        layers = tuple(
            replace(
                part,
                position=dotted(written.path[len(LAYERS) :]),
                closes_residual=written.is_sum,
                short_names=written.short_names,
            )
            for part, written in zip(
                partial.layers, map(self.source_map.layer, count()), strict=False
            )
        )
        return replace(partial, layers=layers)

    def _repr_html_(self) -> str:
        from declnet.display.diagnostics import diagnostics_view

        if self.spec is not None:
            return self.spec._repr_html_()
        return diagnostics_view(self.source_map.locate(self.diagnostics))

    def require(self) -> RunSpec:
        """Return the spec.

        Raises:
            SpecError: it is invalid; contains every error with its place.
        """
        if self.spec is None:
            raise SpecError(self.source_map.locate(self.diagnostics))
        return self.spec
