"""Suggestions for a misspelt name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str], label: str) -> str:
    """Says what a misspelt name may have meant, or else which names there are.

    Args:
        name: as the user wrote it.
        known: the names that would have been right.
        label: what these are, e.g. `"installed layers"`.
    """
    names = sorted(known)
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"{label}: {', '.join(names) or 'none'}"
