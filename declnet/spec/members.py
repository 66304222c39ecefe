"""Members: the tables `[[members]]` of a spec, whose models make one predictor together.

A member is a complete spec: the rest of the document, changed by the file that the member names,
and by the member's own keys. Like `[sweep]`, the tables exist only before
validation.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.errors import Diagnostic, KeyPath, Place, SpecError
from declnet.spec.document.compose import MEMBERS, Composed, composed_in, merged
from declnet.spec.document.source_map import Focus, Origin, SourceMap
from declnet.spec.document.variables import names_in
from declnet.spec.model import fit_name
from declnet.spec.presets import with_preset
from declnet.spec.shown_values import hint_for_missing, shown
from declnet.spec.varying_keys import SWEEP, TUNE, Reader

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.spec.model import RunSpec

WEIGHTS, SELECTED = "weights", "selected"
NAME, WEIGHT, SPEC = "name", "weight", "spec"
INCONSISTENT = "E055"


@dataclass(frozen=True, eq=False)
class MemberSpec:
    """One of the models of a spec with members.

    Attributes:
        spec: its spec, whose name is the member's.
        weight: its weight in the mean of the predictions, if weights are not selected.
    """

    spec: RunSpec
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Members:
    """The members of a spec.

    Attributes:
        members: at least two.
        source: the whole document, and where its values are written.
        selects: whether their weights are selected on validation predictions.
    """

    members: tuple[MemberSpec, ...]
    source: SourceMap
    selects: bool = False

    def origins(self, path: KeyPath) -> tuple[RunSpec | None, KeyPath, Place | None]:
        """Return the member that a path leads to, and the path in its spec, or else the place."""
        if path[:1] == (MEMBERS,) and path[2:] != (WEIGHT,) and isinstance(path[1], int):
            return self.members[path[1]].spec, path[2:], None
        return None, path, self.source.exact_place(path)


@dataclass(frozen=True, eq=False)
class MemberDocument:
    """A member before its validation.

    Attributes:
        composed: its whole document.
        at: where the member is written.
        weight: its weight.
    """

    composed: Composed
    at: KeyPath
    weight: float


@dataclass(frozen=True, eq=False)
class _MemberWriter:
    """The writer of a member's own keys: the document that has its table."""

    document: SourceMap
    at: KeyPath

    @property
    def name(self) -> str:
        """The name of the file that the member is in, or `--set`."""
        writer = self.document.writer_of(self.at)
        return writer.name if writer is not None else ""

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a key of the member is written."""
        return self.document.exact_place((*self.at, *path), focus)


@dataclass(eq=False, kw_only=True)
class MemberReader(Reader):
    """The reader of the members of a document.

    Attributes:
        composed: the document.
        registry: where presets are looked up.
        folder: the base of relative paths.
    """

    composed: Composed
    registry: Registry | None
    folder: Path

    def read(self) -> tuple[list[MemberDocument], bool]:
        """Return the members, and whether their weights are selected."""
        document = self.composed.source_map.document
        selects = self._selects(document.get(WEIGHTS))
        for section in (SWEEP, TUNE):
            if section in document:
                message = f"a spec has either [{section}] or [[{MEMBERS}]]"
                hint = "move one to another file"
                self.report(message, hint, (section,), INCONSISTENT, by_key=True)
        tables = document[MEMBERS]
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            message = f'"{MEMBERS}" must be a list of tables, not {shown(tables)}'
            self.report(message, f"write [[{MEMBERS}]] for each", (MEMBERS,), "E012")
            return [], selects
        if len(tables) < 2:
            message = f"a mean needs at least two members, not {len(tables)}"
            self.report(message, f"add another [[{MEMBERS}]]", (MEMBERS,), "E018")
        members, names = list[MemberDocument](), set[str]()
        for number, table in enumerate(tables):
            member = self._member(number, table, selects=selects)
            if member is not None:
                name = str(member.composed.source_map.document[NAME]).casefold()
                if name in names:
                    hint = "name one of them by its key name"
                    self.report(f'two members are named "{name}"', hint, member.at, "E019")
                names.add(name)
                members.append(member)
        return members, selects

    def _selects(self, weights: Any) -> bool:
        if weights not in (None, SELECTED):
            message = f'"{WEIGHTS}" must be "{SELECTED}", not {shown(weights)}'
            hint = f"give each member its own {WEIGHT}, or leave it out for equal ones"
            self.report(message, hint, (WEIGHTS,), "E014")
        return bool(weights == SELECTED)

    def _member(
        self, number: int, table: Mapping[str, Any], *, selects: bool
    ) -> MemberDocument | None:
        at: KeyPath = (MEMBERS, number)
        source_map = self.composed.source_map
        weight = self._weight(table, at, selects=selects)
        bases = [self._shared()]
        if SPEC in table:
            base = self._file(table[SPEC], (*at, SPEC))
            if base is None:
                return None
            bases.append(base)
        keys = {key: value for key, value in table.items() if key not in (SPEC, WEIGHT)}
        writer = _MemberWriter(source_map, at)
        bases.append(Composed(SourceMap(keys, Origin(writer), writers=(writer,))))
        whole = bases[0].source_map
        for base in bases[1:]:
            whole = merged(whole, base.source_map)
        has_name = any(NAME in base.source_map.document for base in bases[1:])
        if not has_name:
            whole.document[NAME] = f"member-{number + 1}"
        used = names_in(source_map.document[MEMBERS])
        composed = Composed(
            replace(whole, document=copy.deepcopy(whole.document)),
            [problem for base in bases for problem in base.diagnostics],
            any(base.is_incomplete for base in bases),
            frozenset(used).union(*(base.variables_used for base in bases)),
        )
        return MemberDocument(with_preset(composed, self.registry, self.folder), at, weight)

    def _shared(self) -> Composed:
        """Return the document without its members."""
        document = {
            key: value
            for key, value in self.composed.source_map.document.items()
            if key not in (MEMBERS, WEIGHTS)
        }
        return replace(
            self.composed, source_map=replace(self.composed.source_map, document=document)
        )

    def _weight(self, table: Mapping[str, Any], at: KeyPath, *, selects: bool) -> float:
        weight = table.get(WEIGHT, 1.0)
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number:
            message = f'"{WEIGHT}" must be a number, not {shown(weight)}'
            self.report(message, None, (*at, WEIGHT), "E012")
        elif not 0 < weight < float("inf"):
            message = f'"{WEIGHT}" must be greater than 0, not {shown(weight)}'
            self.report(message, "remove the member, or its weight", (*at, WEIGHT), "E013")
        elif selects and WEIGHT in table:
            message = f'{WEIGHTS} = "{SELECTED}" chooses the weight of each member'
            hint = "remove one of the two"
            self.report(message, hint, (*at, WEIGHT), INCONSISTENT, by_key=True)
        else:
            return float(weight)
        return 1.0

    def _file(self, path: Any, at: KeyPath) -> Composed | None:
        """Return the spec that a member names; None, with an error, if it cannot be read."""
        if not isinstance(path, str):
            message = f'"{SPEC}" must be the path of a spec file, not {shown(path)}'
            self.report(message, None, at, "E012")
            return None
        folder: Path = getattr(path, "folder", self.folder)
        try:
            composed = composed_in(folder / path, self.folder)
        except SpecError as error:
            problem = error.problems[0]
            if problem.code == "E001":
                hint = hint_for_missing(folder / path)
                self.report(f"{path}: {problem.message}", hint, at, "E006")
            else:
                self.problems += error.problems
            return None
        composed.source_map.document.setdefault(NAME, fit_name(Path(path).stem))
        for section in (MEMBERS, SWEEP, TUNE):
            if section in composed.source_map.document:
                message = f'{path} has "{section}", which a member cannot have'
                self.report(message, "name a spec of one model", at, INCONSISTENT)
        return composed


def agreement_problems(members: Members) -> Iterator[Diagnostic]:
    """Yield what prevents members from being one predictor, by their specs alone."""
    specs = [member.spec for member in members.members]
    for number, spec in enumerate(specs):
        at = (MEMBERS, number)
        if members.selects and splits_of(spec) != splits_of(specs[0]):
            message = (
                f'"{spec.name}" does not hold out the same rows as "{specs[0].name}", so weights '
            )
            message += "cannot be selected"
            hint = "give both the same seed, data.folds, data.validation, data.test and data.split"
            yield Diagnostic(message, hint, at, INCONSISTENT)
        if [head.name for head in spec.heads] != [head.name for head in specs[0].heads]:
            message = (
                f'"{spec.name}" has other losses than "{specs[0].name}", so there is no mean of '
            )
            message += "their predictions"
            yield Diagnostic(message, "give both the same [losses]", at, INCONSISTENT)
    without = [spec.name for spec in specs if spec.data.folds is None and not spec.data.validation]
    if members.selects and without:
        message = f'weights are selected on validation data, which "{without[0]}" does not have'
        yield Diagnostic(message, "add data.folds or data.validation", (WEIGHTS,), INCONSISTENT)


def splits_of(spec: RunSpec) -> tuple[Any, ...]:
    """Return what decides which rows a spec holds out."""
    data = spec.data
    return spec.seed, data.folds, data.fold, data.fractions, data.split


def require_no_members(spec: RunSpec) -> None:
    """Raise SpecError if a spec of one model has members."""
    if spec.members is not None:
        names = ", ".join(member.spec.name for member in spec.members.members)
        message = f"the spec has several members, and this takes one model: {names}"
        place = spec.source_map.place_of((MEMBERS,), "key")
        hint = "use the file of one member"
        raise SpecError([Diagnostic(message, hint, (MEMBERS,), INCONSISTENT, place=place)])
