"""A spec in a notebook: foldable sections, in which each value has its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from declnet.display.html import Html, collapsible, element, joined
from declnet.errors import KeyPath
from declnet.spec.document.overrides import SOURCE
from declnet.spec.document.source_map import value_at
from declnet.spec.shown_values import from_here, shown
from declnet.spec.varying_keys import SWEEP, TUNE

if TYPE_CHECKING:
    from declnet.spec.model import RunSpec

DEFAULT, PROGRAM = "default", "program"
"""The origins of defaults, and of values that a program passed."""

_OPEN = (("model",), ("model", "layers"))
MOST_ITEMS = 200
"""Maximum number of layers, or other tables of a list, that a view has."""


def origins(spec: RunSpec, path: KeyPath) -> list[str]:
    """Return where a value is written, and the variable's definition if it is a variable's.

    Each is a file with its line, `--set`, `program` or `default`.
    """
    places = spec.source_map.origins(path)
    if spec.members is not None:
        member, path, place = spec.members.origins(path)
        if member is not None:
            return origins(member, path)
        places = [place] if place is not None else []
    if places:
        return [
            SOURCE if place.file == SOURCE else f"{place.file}:{place.line}" for place in places
        ]
    from_program = spec.source_map.written.origin.writer is None
    is_passed = from_program and _is_passed(spec.source_map.document, path)
    return [PROGRAM if is_passed else DEFAULT]


def _is_passed(document: Mapping[str, Any], path: KeyPath) -> bool:
    """Return whether a document has a value, also as the bare name of a component."""
    if value_at(document, path) is not None:
        return True
    return path[-1:] == ("type",) and isinstance(value_at(document, path[:-1]), str)


def shown_document(spec: RunSpec) -> dict[str, Any]:
    """Return the resolved spec as plain tables, with its `[sweep]` or `[tune]` if it has one."""
    from declnet.spec.model import resolved_document

    document = resolved_document(spec)
    if spec.sweep is not None:
        document[SWEEP] = dict(spec.sweep.section)
    if spec.tuning is not None:
        document[TUNE] = dict(spec.tuning.section)
    return document


def spec_html(spec: RunSpec) -> Html:
    """Return a spec as HTML, without a style."""
    document = shown_document(spec)
    title = element("div", element("b", spec.name), f", seed {spec.seed}")
    return joined([title, *_fields(spec, document, ())])


def _fields(spec: RunSpec, values: Mapping[str, Any], path: KeyPath) -> Iterator[Html]:
    """Yield a table of the scalars of a table, then what is nested in it."""
    nested = {key: value for key, value in values.items() if _is_nested(value)}
    rows = []
    for key, value in values.items():
        if key not in nested:
            places = origins(spec, (*path, key))
            kind = "faint" if places == [DEFAULT] else ""
            text = element("code", shown(value), kind=kind)
            where = from_here(", ".join(places))
            cells = (key, text, element("span", where, kind="faint"))
            rows.append(element("tr", *(element("td", cell) for cell in cells)))
    if rows:
        yield element("table", element("tbody", *rows))
    for key, value in nested.items():
        yield _nested(spec, key, value, (*path, key))


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _nested(spec: RunSpec, name: str, value: Any, path: KeyPath) -> Html:
    is_open = path in _OPEN
    if isinstance(value, Mapping):
        summary = joined([element("b", name), " ", _gist(spec, value, path)])
        return collapsible(summary, *_fields(spec, value, path), is_open=is_open)
    items = [
        _nested(spec, str(at + 1), item, (*path, at)) for at, item in enumerate(value[:MOST_ITEMS])
    ]
    left = len(value) - len(items)
    more = [element("div", f"… and {left:,} more")] if left else []
    summary = joined([element("b", name), f" ({len(value)})"])
    return collapsible(summary, *items, *more, is_open=is_open)


def _gist(spec: RunSpec, values: Mapping[str, Any], path: KeyPath) -> Html:
    """Return a table's type, and its values other than defaults, on one line."""
    chosen = [
        f"{key} = {shown(value)}"
        for key, value in values.items()
        if key != "type" and not _is_nested(value) and origins(spec, (*path, key)) != [DEFAULT]
    ]
    line = ", ".join(chosen)
    cut = line if len(line) <= 100 else f"{line[:99]}…"
    return joined([values.get("type", ""), " ", element("span", cut, kind="faint")])
