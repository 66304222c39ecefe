r"""Tokenizing in ONNX, by operators of opset 20.

No operator finds all matches of a pattern, so texts get spaces around each symbol and
are split at spaces. Symbols are those of the vocabulary and the usual ones of typesetting; a text
with a token that is then neither a word nor one symbol is refused.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import TYPES, GraphWriter
from declnet_plugins.standard.transforms.text import FIRST, PADDING, UNKNOWN, Tokenize

LEAST_OPSET = 20

WORD = r"[\pL\pN_]"
"""What Python's \\w matches; \\w of the runtime's RE2 is ASCII only."""

TOKEN = rf"{WORD}+(?:['\x{{2019}}]{WORD}+)*|[^\pL\pN_\s]"
APOSTROPHES = ("'", "\u2019")
SPACES = "\t\n\r\u00a0\u2009\u202f"
USUAL = "\u2018\u201c\u201d\u201e\u00ab\u00bb\u2013\u2014\u2026\u00b7\u2022\u20ac\u00a3\u00a7\u00b0"
"""Quotation marks, dashes and signs of many languages."""


class OnnxTokenize(OnnxTranslation):
    """StringNormalizer, StringSplit and LabelEncoder; with weights, ScatterElements and TopK."""

    replaces = (Tokenize,)

    def write(self, component: Tokenize, site: TranslationSite, w: GraphWriter) -> tuple[str, ...]:
        """Return the integers (n, length), the lengths (n,), and any weights (n, length)."""
        if component.ngrams > 1 and component.weights is None:
            raise Untranslatable(
                "pairs of words in their order are not written", "tokenize with ngrams = 1"
            )
        if component.unit == "characters":
            raise Untranslatable(
                "ONNX has no operator for the characters of a text", 'tokenize with unit = "words"'
            )
        if w.opset < LEAST_OPSET:
            raise Untranslatable(
                f"splitting texts needs opset {LEAST_OPSET}, not {w.opset}", "choose a newer opset"
            )
        tokens, length = site.state["tokens"], site.state["length"]
        text = self._lower(w, site.inputs[0], tokens) if component.lowercase else site.inputs[0]
        words, counts = w.node("StringSplit", [self._spaced(w, text, tokens)], ("text", "int64"))
        numbers = w.table(words, tokens, range(FIRST, FIRST + len(tokens)), UNKNOWN)
        is_token = w.op("RegexFullMatch", words, pattern=f"(?s){TOKEN}")
        is_word = w.op("Less", places_of(w, words), w.expand(counts, 1))
        w.refuse(w.op("And", is_word, w.op("Not", is_token)))
        if component.missing == "error":
            w.refuse(w.op("Equal", site.inputs[0], w.constant("")))
        if component.weights is not None:
            longer = w.concat([numbers, *self._longer(w, words, tokens, component.ngrams)])
            return _weighted(w, longer, length, site.state["factors"])
        numbers = w.where(is_word, numbers, w.constant(PADDING))
        pads = w.constant([0, 0, 0, length], "int64")
        padded = w.op("Pad", numbers, pads, w.constant(PADDING))
        lengths = w.clip(counts, high=length)
        places = w.constant(np.arange(length)[None])
        if component.cut == "start":
            places = w.op("Add", w.expand(w.op("Sub", counts, lengths), 1), places)
        else:
            places = w.op("Add", w.expand(w.op("Sub", counts, counts), 1), places)
        numbered = w.op("GatherElements", padded, places, axis=1)
        is_empty = w.op(
            "And",
            w.compute("Equal", w.expand(counts, 1), 0),
            w.constant(np.arange(length)[None] == 0),
        )
        return w.where(is_empty, w.constant(UNKNOWN), numbered), w.clip(lengths, low=1)

    def _lower(self, w: GraphWriter, text: str, tokens: list[str]) -> str:
        """Return text in lower case; letters beyond ASCII matter only if the vocabulary has them.

        The locale "C" is known everywhere, but only to ASCII.
        """
        plain = all(token.isascii() for token in tokens)
        locale = "C" if plain else "C.UTF-8"
        return w.op("StringNormalizer", text, case_change_action="LOWER", locale=locale)

    def _longer(self, w: GraphWriter, words: str, tokens: list[str], ngrams: int) -> Iterator[str]:
        """Yield the integers of pairs of words, and of longer tokens.

        Those that end in padding have a space at their end, so they are unknown.
        """
        joined, following = words, words
        for _ in range(ngrams - 1):
            joined = self._without(w, joined, first=False)
            following = self._without(w, following, first=True)
            joined = w.op("StringConcat", w.op("StringConcat", joined, w.constant(" ")), following)
            yield w.table(joined, tokens, range(FIRST, FIRST + len(tokens)), UNKNOWN)

    def _without(self, w: GraphWriter, words: str, *, first: bool) -> str:
        """Return words without the first or the last of each row."""
        bounds = ([1], [np.iinfo(np.int64).max]) if first else ([0], [-1])
        return w.op("Slice", words, *(w.constant(bound, "int64") for bound in (*bounds, [1])))

    def _spaced(self, w: GraphWriter, text: str, tokens: list[str]) -> str:
        """Return text with spaces around each symbol, and in place of other white space."""
        special = {
            word for word in tokens if len(word) == 1 and not (word.isalnum() or word == "_")
        }
        symbols = (special | set(string.punctuation) | set(USUAL)) - {"_", *APOSTROPHES}
        for space in SPACES:
            text = replaced(w, text, space, " ")
        for apostrophe in APOSTROPHES:
            text = replaced(w, text, apostrophe, f" {apostrophe} ", within=apostrophe)
        for symbol in sorted(symbols):
            text = replaced(w, text, symbol, f" {symbol} ")
        return text


def _weighted(w: GraphWriter, numbers: str, length: int, factors: Array) -> tuple[str, ...]:
    """Return the distinct known integers of each row in order, how many, and their weights."""
    levels = FIRST + len(factors)
    factor = w.constant(np.concatenate([np.zeros(FIRST), factors]), "float64")
    rows = w.op("Shape", numbers, start=0, end=1)
    shape = w.op("Concat", rows, w.constant([levels], "int64"), axis=0)
    nothing = w.op("Expand", w.constant(0.0, "float64"), shape)
    ones = w.op("Expand", w.constant(1.0, "float64"), w.op("Shape", numbers))
    counts = w.op("ScatterElements", nothing, numbers, ones, axis=1, reduction="add")
    frequency = w.compute("Add", w.op("Log", w.clip(counts, low=1)), 1)
    weights = w.op("Mul", w.op("Mul", frequency, w.clip(counts, high=1)), factor)
    size = w.constant([length], "int64")
    heaviest, places = w.node("TopK", [weights, size], ("float64", "int64"), axis=1)
    is_used = w.compute("Greater", heaviest, 0)
    places = w.where(is_used, places, w.constant(levels))
    integers, order = w.node("TopK", [places, size], ("int64", "int64"), axis=1, largest=0)
    heaviest = w.op("GatherElements", heaviest, order, axis=1)
    squares = w.op("ReduceSum", w.op("Mul", heaviest, heaviest), w.constant([1], "int64"))
    norms = w.op("Sqrt", w.where(w.compute("Greater", squares, 0), squares, w.constant(1.0)))
    lengths = w.op("ReduceSum", w.cast(is_used, "int64"), w.constant([1], "int64"), keepdims=0)
    is_padding = w.compute("Equal", integers, levels)
    return (
        w.where(is_padding, w.constant(PADDING), integers),
        lengths,
        w.op("Div", heaviest, norms),
    )


def places_of(w: GraphWriter, matrix: str) -> str:
    """Return 0, 1, 2, … for the columns of a matrix, (columns,)."""
    shape = w.op("Shape", matrix, start=1, end=2)
    zero, one = w.constant(0), w.constant(1)
    return w.op("Range", zero, w.squeeze(shape, 0), one, kind="int64")


def replaced(w: GraphWriter, text: str, symbol: str, new: str, within: str | None = None) -> str:
    """Return text with a symbol replaced; inside of a word by `within`, if it is given."""
    parts, counts = w.node("StringSplit", [text], ("text", "int64"), delimiter=symbol)
    places = places_of(w, parts)
    glue = w.constant(new)
    if within is not None:
        ends = w.op("RegexFullMatch", parts, pattern=f"(?s).*{WORD}")
        begins = w.op("RegexFullMatch", parts, pattern=f"(?s){WORD}.*")
        pads = w.constant([0, 1, 0, -1], "int64")
        before = w.cast(w.op("Pad", w.cast(ends, "int64"), pads), "bool")
        glue = w.where(w.op("And", before, begins), w.constant(within), glue)
    follows = w.op(
        "And",
        w.compute("Greater", places, 0),
        w.op("Less", places, w.expand(counts, 1)),
    )
    pieces = w.op("StringConcat", w.where(follows, glue, w.constant("")), parts)
    empty = w.where(w.op("Equal", text, w.constant("")), w.constant(""), w.constant(""))
    return w.op("Scan", empty, pieces, body=_joining(), num_scan_inputs=1, scan_input_axes=[1])


def _joining() -> Any:
    """Return the graph that appends a piece to what was joined before.

    ONNX Runtime's Scan writes to two buffers in turn, and its StringConcat appends to what is there
    (1.32), so another operator writes the result.
    """
    from onnx import helper

    values = [
        helper.make_tensor_value_info(name, TYPES["text"], [None]) for name in ("left", "right")
    ]
    joined = helper.make_tensor_value_info("joined", TYPES["text"], [None])
    nothing = helper.make_tensor("nothing", TYPES["text"], [], [b""])
    nodes = [
        helper.make_node("StringConcat", ["left", "right"], ["both"]),
        helper.make_node("Equal", ["both", "nothing"], ["is_empty"]),
        helper.make_node("Where", ["is_empty", "nothing", "both"], ["joined"]),
    ]
    return helper.make_graph(nodes, "join", values, [joined], [nothing])
