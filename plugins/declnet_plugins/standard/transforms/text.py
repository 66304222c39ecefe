"""Text as sequences of integers."""

import re
import unicodedata
from collections import Counter
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    ColumnError,
    Sequences,
    Transform,
    TransformState,
    beyond_memory,
    missing_values,
)
from declnet_plugins.standard.transforms.dates import looks_like_dates

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""The integers for padding, for unknown tokens, and for the most frequent known token."""

WORDS = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
"""A word, which may have apostrophes inside, or a single punctuation mark or symbol."""


class Tokenize(Transform):
    """An integer for each word or character of a text: 0 is padding, 1 unknown, then 2, 3, ….

    The vocabulary comes from the training data only, the most frequent token first; equally
    frequent ones are in the order of their code points. Rows are padded with 0 at the end; their
    lengths are a further input, `input.lengths`, or `input.NAME_lengths` for an input NAME. A text
    without tokens is one unknown token, so every length is at least 1. Unicode is normalized (NFC).
    """

    type = "tokenize"
    examples = (
        {},
        {"columns": ["review"], "max_tokens": 5000, "length": 40},
        {"unit": "characters", "lowercase": False, "cut": "start", "missing": "empty"},
    )

    unit: Literal["words", "characters"] = Field(
        default="words", description="words and punctuation marks, or characters"
    )
    lowercase: bool = Field(default=True, description="whether upper and lower case are the same")
    max_tokens: int = Field(
        default=20_000, ge=1, description="size of the vocabulary: the most frequent tokens"
    )
    min_count: int = Field(
        default=2,
        ge=1,
        description="minimum count of a token in the training data; with 2 or more, the integer "
        "for unknown tokens is trained too",
    )
    length: int | None = Field(
        default=None,
        ge=1,
        description="number of tokens in each row; default: as the longest text of the training "
        "data",
    )
    cut: Literal["end", "start"] = Field(
        default="end", description="which tokens of a longer text are left out"
    )
    missing: Literal["error", "empty"] = Field(
        default="error", description="a missing text: an error with its row, or an empty text"
    )

    def suits(self, column: Array) -> bool:
        """Return whether it is text other than dates."""
        return column.dtype.kind == "O" and not looks_like_dates(column)

    def fit(self, x: Array) -> TransformState:
        """Return the vocabulary and the length of the rows."""
        rows = self._rows(x)
        counts = Counter(token for row in rows for token in row)
        frequent = sorted(
            (token for token, count in counts.items() if count >= self.min_count),
            key=lambda token: (-counts[token], token),
        )
        if not frequent:
            what = "has no tokens" if not counts else f"has no token {self.min_count} times"
            hint = "lower min_count" if counts else "leave it out of the features"
            raise ColumnError(what, hint=hint)
        longest = max(1, *(len(row) for row in rows))
        return {"tokens": frequent[: self.max_tokens], "length": self.length or longest}

    def apply(self, x: Array, state: TransformState) -> Sequences:
        """Return integers (n, length), with 0 from each row's length on."""
        number_of = {token: number for number, token in enumerate(state["tokens"], FIRST)}
        rows, length = self._rows(x), state["length"]
        excess = beyond_memory(len(rows) * length * np.dtype(np.int64).itemsize)
        if excess is not None:
            hint = "set a smaller length" if self.length else "set a length"
            raise ColumnError(f"{excess}: {len(rows)} rows of {length} tokens", hint=hint)
        values = np.full((len(rows), length), PADDING, np.int64)
        lengths = np.empty(len(rows), np.int64)
        for position, row in enumerate(rows):
            tokens = row[:length] if self.cut == "end" else row[-length:]
            numbers = [number_of.get(token, UNKNOWN) for token in tokens] or [UNKNOWN]
            values[position, : len(numbers)] = numbers
            lengths[position] = len(numbers)
        return Sequences(values, lengths)

    def levels(self, state: TransformState) -> int:
        """Return the size of the vocabulary, with padding and unknown tokens."""
        return len(state["tokens"]) + FIRST

    def verify_state(self, state: TransformState) -> None:
        """Raise ValueError unless the state has distinct tokens and a length."""
        tokens, length = state.get("tokens"), state.get("length")
        texts = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
        if not texts or not tokens or len(set(tokens)) < len(tokens):
            raise ValueError("the tokens of tokenize must be a list of distinct texts")
        if type(length) is not int or length < 1:
            raise ValueError("the length of tokenize must be an integer of at least 1")

    def _rows(self, x: Array) -> list[list[str]]:
        """Return the tokens of each row; raise ColumnError for numbers and missing texts."""
        if x.ndim != 1:
            raise ColumnError("has several numbers per row, which cannot be text")
        missing = missing_values(x)
        if x.dtype.kind != "O" and not missing.all():
            raise ColumnError("holds numbers, not text", hint="name columns of text")
        if self.missing == "error" and missing.any():
            hint = 'correct it, or set missing = "empty"'
            raise ColumnError("is missing", int(np.argmax(missing)), hint)
        return [self._tokens("" if gap else text) for text, gap in zip(x, missing, strict=True)]

    def _tokens(self, text: str) -> list[str]:
        text = unicodedata.normalize("NFC", text)
        text = text.lower() if self.lowercase else text
        return WORDS.findall(text) if self.unit == "words" else list(text)
