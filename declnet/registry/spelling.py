"""Suggestions for misspelled names, and the names of kinds in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to a misspelling or to initials, or None."""
    written = name.lower().replace("-", "_").replace(" ", "_")[:100]
    names = sorted(known)
    close = get_close_matches(written, names, n=1, cutoff=0.6)
    if close or not written:
        return close[0] if close else None
    return next((name for name in names if _initials(name) == written), None)


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


def kind_in_words(kind: str, *, plural: bool = False) -> str:
    """Return a kind as it appears in sentences: `data source`, `losses`."""
    words = kind.replace("_", " ")
    if not plural:
        return words
    return f"{words}es" if words.endswith("s") else f"{words}s"


def with_article(kind: str) -> str:
    """Return a kind with its article: `a layer`, `an optimizer`."""
    words = kind_in_words(kind)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
