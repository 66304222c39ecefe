"""Names for an exported file, in place of those that come from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, count

from declnet_plugins.exchange.exported_model import ExportedModel

LONGEST_NAME = 40
"""Maximum number of characters of a name in a file."""

_PLAIN_NAME = re.compile(f"[A-Za-z_][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}")


def plain_names_of(model: ExportedModel) -> dict[str, str]:
    """Return a plain name for each name in a model that is part of names in a file."""
    return plain_names(_names_in(model))


def plain_names(texts: Iterable[str]) -> dict[str, str]:
    """Return a distinct name for each text, which is safe in code and comments of any language.

    A name has at most 40 ASCII letters, digits and underscores. A text that is such a name keeps
    it; of any other, what is left of it is numbered if it is taken.
    """
    distinct = tuple(dict.fromkeys(texts))
    names = {text: text for text in distinct if _PLAIN_NAME.fullmatch(text)}
    used = set(names)
    for text in distinct:
        if text not in names:
            stem = re.sub("[^A-Za-z0-9]+", "_", text)[:LONGEST_NAME].strip("_")
            plain = stem if _PLAIN_NAME.fullmatch(stem) else f"name_{stem}".rstrip("_")
            names[text] = unique_name(plain[:LONGEST_NAME], used)
    return names


def unique_name(name: str, used: set[str]) -> str:
    """Return a name, numbered if it is among those that are used, and add it to them."""
    numbered = (f"{name}_{number}" for number in count(2))
    unique = next(other for other in chain([name], numbered) if other not in used)
    used.add(unique)
    return unique


def _names_in(model: ExportedModel) -> Iterator[str]:
    """Yield the names in a model that come from outside, which are part of names in a file."""
    yield from (output.name for output in model.outputs)
    for member in model.members:
        yield member.name
        yield from (node.name for node in member.nodes)
        for model_input in member.inputs:
            yield from model_input.value.split(".")
        yield from (step.column for step in member.steps)
