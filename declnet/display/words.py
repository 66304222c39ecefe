"""Counts, choices and kinds of components in sentences."""

from __future__ import annotations

from collections.abc import Iterable


def kind_in_words(kind: str, *, plural: bool = False) -> str:
    """Return a kind as it appears in sentences: `data source`, `losses`, `analyses`."""
    words = kind.replace("_", " ")
    if not plural:
        return words
    if words.endswith("is"):
        return f"{words[:-2]}es"
    return f"{words}es" if words.endswith("s") else f"{words}s"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 column`, `2 columns`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def alternatives(words: Iterable[str]) -> str:
    """Return words as a choice: `a, b or c`."""
    *rest, last = ["", *words]
    return f"{', '.join(rest[1:])} or {last}" if len(rest) > 1 else last


def with_article(kind: str) -> str:
    """Return a kind with its article: `a layer`, `an optimizer`."""
    words = kind_in_words(kind)
    return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"
