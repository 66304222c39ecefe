"""Ways to spoil a spec: in its structure, or in its bytes."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**30), 10**4000, 2**53 + 1]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=8),
    st.sampled_from(["dense", "relu", "adam", "nope", "input", "ünïcödé 🦆", "\u202e", "a\nb", ""]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.just({"type": "dense", "units": 3}),
    st.just({"type": "nope"}),
    st.just({"type": 3}),
    st.just([{"type": "relu"}, "softmax", 3]),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values of a document."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = [path] if path else []
    for key, item in items:
        found += paths(item, (*path, key))
    return found


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


@st.composite
def spoiled(draw: st.DrawFn, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """A document with one to four values dropped, renamed, retyped, doubled or moved."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 4))):
        places = paths(document)
        if not places:
            break
        path = draw(st.sampled_from(places))
        table, key = at(document, path[:-1]), path[-1]
        kind = draw(st.sampled_from(["drop", "rename", "retype", "move", "wrap", "add"]))
        if kind == "drop":
            del table[key]
        elif kind == "rename" and isinstance(table, dict):
            name = draw(st.one_of(st.text(min_size=1, max_size=8), st.just(f"{key}s")))
            table[name] = table.pop(key)
        elif kind == "move":
            value = table.pop(key)
            target = at(document, draw(st.sampled_from([*paths(document), ()])))
            if isinstance(target, dict):
                target[str(key)] = value
            elif isinstance(target, list):
                target.insert(draw(st.integers(0, len(target))), value)
        elif kind == "wrap":
            table[key] = draw(st.sampled_from([[table[key]], {"type": table[key]}]))
        elif kind == "add" and isinstance(table, dict):
            table[draw(st.text(max_size=6))] = copy.deepcopy(draw(ODD_VALUES))
        else:
            table[key] = copy.deepcopy(draw(ODD_VALUES))
    return document


@st.composite
def spoiled_text(draw: st.DrawFn, texts: list[str]) -> bytes:
    """A text with bytes flipped, cut, doubled or put in; sometimes with CRLF or a BOM."""
    text = draw(st.sampled_from(texts))
    content = bytearray(text.encode())
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double", "delete"]))
        if kind == "flip" and content:
            content[position] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[position:]
        elif kind == "delete":
            del content[position : position + draw(st.integers(1, 20))]
        elif kind == "double":
            piece = content[position : position + draw(st.integers(1, 60))]
            content[position:position] = piece
        else:
            odd = [*"\"'[]{}=,\n#\t\0ü🦆", "\\u0000"]
            content[position:position] = draw(st.sampled_from(odd)).encode()
    result = bytes(content)
    if draw(st.booleans()):
        result = result.replace(b"\n", b"\r\n")
    return b"\xef\xbb\xbf" + result if draw(st.booleans()) else result


def without_nothing(value: Any) -> Any:
    """Return a document that TOML can represent: no None, and only valid text."""
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nothing(item) for item in value if item is not None]
    return value
