"""Applies overrides to a document: `--set optimizer.learning_rate=0.05` changes any key."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from declnet.errors import Diagnostic, KeyPath, dotted
from declnet.spec.override import Override
from declnet.spec.shown import shown
from declnet.spec.written import Origin, Written


def override(written: Written, overrides: Sequence[Override]) -> Written:
    """A copy of a document with keys replaced or added.

    An override whose key leads through a scalar or past the end of a list becomes one of the
    result's `problems`.
    """
    if not overrides:
        return written
    document, origin = copy.deepcopy(written.document), _copied(written.origin)
    result = Written(document, origin, list(written.problems), written.incomplete)
    for each in overrides:
        problem = _assign(result, each)
        if problem is not None:
            result.problems.append(problem)
    return result


def _copied(origin: Origin) -> Origin:
    return Origin(origin.writer, {key: _copied(each) for key, each in origin.below.items()})


def _assign(written: Written, change: Override) -> Diagnostic | None:
    place: Any = written.document
    origin = written.origin
    path = change.path
    for depth, part in enumerate(path):
        if isinstance(place, list):
            if not isinstance(part, int) or part >= len(place):
                message = f"{dotted(path[:depth])} has no item {part}"
                return _problem(change, path, message, _items(place))
        elif not isinstance(place, dict):
            message = f"{dotted(path[:depth])} is {shown(place)}, which has no keys"
            return _problem(change, path, message, None)
        key = str(part) if isinstance(place, dict) else part
        if depth < len(path) - 1:
            place, origin = _step_into(place, key, origin, change)
        else:
            place[key] = change.value
            origin.below[key] = Origin(change)
    return None


def _step_into(place: Any, part: str | int, origin: Origin, change: Override) -> tuple[Any, Origin]:
    """The item at a key: made if it is missing, and a bare name turned into its table."""
    missing = isinstance(place, dict) and part not in place
    if missing:
        place[part] = {}
    if isinstance(place[part], str):
        place[part] = {"type": place[part]}
    writer = change if missing else origin.writer
    return place[part], origin.below.setdefault(part, Origin(writer))


def _problem(change: Override, path: KeyPath, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(message, hint, path, "E005", focus="key", place=change.key_place)


def _items(place: list[Any]) -> str:
    return f"its items are 0 to {len(place) - 1}" if place else "it is empty"
