"""Suggestions for misspelled names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches

SIMILAR, SAME_INITIAL = 0.75, 0.6
"""Minimum similarity to a known name, and to one with the same first letter: a misspelling rarely
changes that, so `Income` is not taken for `Home`."""


MARGIN = 0.05
"""How much closer than any other a name must be for nothing else to be meant."""

_OF_VALIDATION = re.compile(r"^val(idation)?[_.]")
"""How names of metrics of validation data begin, here and in other libraries: `val_loss`."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to a misspelling or to initials, or None.

    Case, hyphens and spaces make no difference.
    """
    written = _normalized(name)[:100]
    names = {_normalized(word): word for word in sorted(known, reverse=True)}
    without = _OF_VALIDATION.sub("", written)
    if written not in names and without != written and without in names:
        return names[without]
    alike = [word for word in names if word[:1] == written[:1]]
    close = _most_alike(written, names, SIMILAR)
    close = close or _most_alike(written, alike, SAME_INITIAL)
    close = close or [word for word in names if written in word.split("_")]
    if close or not written:
        return names[close[0]] if close else None
    return next((word for word in sorted(names.values()) if _initials(word) == written), None)


def is_misspelling(written: str, name: str, known: Iterable[str] = ()) -> bool:
    """Return whether nothing else than a name can be meant.

    Args:
        written: the misspelling, or the initials of the name.
        name: the known name closest to it.
        known: all known names, of which another one may be almost as close.
    """
    if _initials(name) == _normalized(written):
        return True
    if _normalized(written) in name.split("_"):  # one word of several
        return "_" not in name
    closeness, *others = (_closeness(written, other) for other in (name, *({*known} - {name})))
    return closeness >= SIMILAR and closeness > max(others, default=0) + MARGIN


def _closeness(written: str, name: str) -> float:
    return SequenceMatcher(None, _joined(name), _joined(written)[:100]).ratio()


def known_elsewhere(written: str, others: Mapping[str, str]) -> str | None:
    """Return the name here for a name from another library, or None.

    Args:
        written: the name; case, hyphens and underscores only count if two entries differ in them.
        others: what each name of other libraries is called here.
    """
    if written in others:
        return others[written]
    return {_joined(other): here for other, here in others.items()}.get(_joined(written))


def _joined(name: str) -> str:
    return _normalized(name).replace("_", "")


def _most_alike(written: str, names: Iterable[str], cutoff: float) -> list[str]:
    """Return the names that resemble a misspelling most, in order."""
    close = get_close_matches(written, names, n=4, cutoff=cutoff)
    alike = {word: SequenceMatcher(None, word, written).ratio() for word in close}
    return sorted(word for word in close if alike[word] == alike[close[0]])


def _normalized(name: str) -> str:
    written = name.casefold().replace("-", "_").replace(" ", "_")
    return _OF_VALIDATION.sub("validation_", written)


def _initials(name: str) -> str:
    """Return the initials of a name, e.g. `mse` for `mean_squared_error`; empty for one word."""
    words = name.split("_")
    return "".join(word[:1] for word in words) if len(words) > 1 else ""


def suggestion(name: str, known: Iterable[str], label: str) -> str:
    """Return a hint with the name that was probably meant, or else the available names.

    Args:
        name: the name as written by the user.
        known: the valid names.
        label: what these are, e.g. `"earlier layers"`.
    """
    names = sorted(known)
    close = closest(name, names)
    if close is not None:
        return f'did you mean "{close}"?'
    return f"{label}: {', '.join(names) or 'none'}"
