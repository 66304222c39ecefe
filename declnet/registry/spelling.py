"""Suggestions for a misspelt name, and the names of kinds in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str | None:
    """What a misspelt name, or a name's initials, may have meant; or None."""
    written = name.lower().replace("-", "_").replace(" ", "_")[:100]
    names = sorted(known)
    close = get_close_matches(written, names, n=1, cutoff=0.6)
    if close or not written:
        return close[0] if close else None
    return next((name for name in names if _initials(name) == written), None)


def _initials(name: str) -> str:
    """`mse` for `mean_squared_error`; nothing for a single word."""
    words = name.split("_")
    return "".join(word[:1] for word in words) if len(words) > 1 else ""


def suggestion(name: str, known: Iterable[str], label: str) -> str:
    """Says what a misspelt name may have meant, or else which names there are.

    Args:
        name: as the user wrote it.
        known: the names that would have been right.
        label: what these are, e.g. `"layers above"`.
    """
    names = sorted(known)
    close = closest(name, names)
    if close is not None:
        return f'did you mean "{close}"?'
    return f"{label}: {', '.join(names) or 'none'}"


def kind_in_words(kind: str, *, plural: bool = False) -> str:
    """A kind as sentences have it: `data source`, `losses`."""
    words = kind.replace("_", " ")
    if not plural:
        return words
    return f"{words}es" if words.endswith("s") else f"{words}s"


def with_article(kind: str) -> str:
    """A kind with its article: `a layer`, `an optimizer`."""
    words = kind_in_words(kind)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
