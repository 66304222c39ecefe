"""Text as sequences of integers, or as the weights of the words and phrases in it."""

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

    With `weights = "tf_idf"`, a row has each known token of the text once, without their order, and
    another input, `input.weights` or `input.NAME_weights`, has their weights, for `embedding_bag`:
    (1 + log count) * (1 + log((1 + texts) / (1 + texts with the token))), divided by the root of
    the sum of their squares. Unknown tokens are left out. scikit-learn's `TfidfVectorizer` with
    `sublinear_tf`.
    """

    type = "tokenize"
    examples = (
        {},
        {"columns": ["review"], "max_tokens": 5000, "length": 40},
        {"unit": "characters", "lowercase": False, "cut": "start", "missing": "empty"},
        {"ngrams": 2, "weights": "tf_idf", "length": 6, "min_count": 1, "missing": "empty"},
    )
    other_keys = {"ngram_range": "ngrams", "max_features": "max_tokens", "min_df": "min_count"}

    unit: Literal["words", "characters"] = Field(
        default="words", description="words and punctuation marks, or characters"
    )
    lowercase: bool = Field(default=True, description="whether upper and lower case are the same")
    ngrams: int = Field(
        default=1,
        ge=1,
        description="number of consecutive words or characters of the longest tokens: 2 adds pairs",
    )
    weights: Literal["tf_idf"] | None = Field(
        default=None,
        description="weights of the tokens: larger for tokens of few texts; default: none, tokens "
        "in their order",
    )
    max_tokens: int = Field(
        default=20_000, ge=1, description="size of the vocabulary: the most frequent tokens"
    )
    min_count: int = Field(
        default=2,
        ge=1,
        description="minimum count of a token in the training data, with weights the number of "
        "texts that have it; with 2 or more, the integer for unknown tokens is trained too",
    )
    length: int | None = Field(
        default=None,
        ge=1,
        description="number of tokens in each row, or, with weights, the most; default: as the "
        "longest text of the training data",
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
        """Return the vocabulary, the length of the rows and, with weights, a factor a token."""
        rows = self._rows(x)
        counts = Counter(token for row in rows for token in (set(row) if self.weights else row))
        frequent = sorted(
            (token for token, count in counts.items() if count >= self.min_count),
            key=lambda token: (-counts[token], token),
        )
        if not frequent:
            what = "has no tokens" if not counts else f"has no token {self.min_count} times"
            hint = "lower min_count" if counts else "leave it out of the features"
            raise ColumnError(what, hint=hint)
        tokens = frequent[: self.max_tokens]
        if self.weights is None:
            longest = max(1, *(len(row) for row in rows))
            return {"tokens": tokens, "length": self.length or longest}
        known = set(tokens)
        longest = max(1, *(len(known.intersection(row)) for row in rows))
        texts = np.array([counts[token] for token in tokens])
        factors = 1 + np.log((1 + len(rows)) / (1 + texts))
        length = min(longest, self.length or longest)
        return {"tokens": tokens, "length": length, "factors": factors}

    def apply(self, x: Array, state: TransformState) -> Sequences:
        """Return integers (n, length), with 0 from each row's length on, and any weights."""
        number_of = {token: number for number, token in enumerate(state["tokens"], FIRST)}
        rows, length = self._rows(x), state["length"]
        itemsize = np.dtype(np.int64).itemsize * (1 if self.weights is None else 2)
        excess = beyond_memory(len(rows) * length * itemsize)
        if excess is not None:
            hint = "set a smaller length" if self.length else "set a length"
            raise ColumnError(f"{excess}: {len(rows)} rows of {length} tokens", hint=hint)
        numbers = [[number_of.get(token, UNKNOWN) for token in row] for row in rows]
        if self.weights is None:
            return Sequences(*sequences(numbers, length, self.cut))
        return Sequences(*weighted(numbers, length, state["factors"]))

    def levels(self, state: TransformState) -> int:
        """Return the size of the vocabulary, with padding and unknown tokens."""
        return len(state["tokens"]) + FIRST

    def verify_state(self, state: TransformState) -> None:
        """Raise ValueError unless the state has distinct tokens, a length, and any factors."""
        tokens, length, factors = state.get("tokens"), state.get("length"), state.get("factors")
        texts = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
        if not texts or not tokens or len(set(tokens)) < len(tokens):
            raise ValueError("the tokens of tokenize must be a list of distinct texts")
        if type(length) is not int or length < 1:
            raise ValueError("the length of tokenize must be an integer of at least 1")
        if self.weights is not None and not (
            isinstance(factors, np.ndarray)
            and factors.shape == (len(tokens),)
            and factors.dtype.kind == "f"
            and bool((factors > 0).all())
        ):
            raise ValueError("tokenize must have a positive factor for each of its tokens")

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
        texts = ("" if gap else text for text, gap in zip(x, missing, strict=True))
        return [tokens_of(text, self.unit, self.lowercase, self.ngrams) for text in texts]


def tokens_of(text: str, unit: str, lowercase: bool, ngrams: int) -> list[str]:
    """Return the words or characters of a text, each followed by the longer tokens that it ends."""
    text = unicodedata.normalize("NFC", text)
    text = text.lower() if lowercase else text
    units = re.findall(WORDS, text) if unit == "words" else list(text)
    if ngrams == 1:
        return units
    glue = " " if unit == "words" else ""
    ends = range(1, len(units) + 1)
    sizes = range(1, ngrams + 1)
    return [glue.join(units[end - size : end]) for end in ends for size in sizes if size <= end]


def sequences(numbers: list[list[int]], length: int, cut: str) -> tuple[Array, Array]:
    """Return the integers of each row padded to a length, (n, length), and how many there are."""
    values, lengths = np.full((len(numbers), length), PADDING), np.empty(len(numbers), int)
    for position, row in enumerate(numbers):
        integers = (row[:length] if cut == "end" else row[-length:]) or [UNKNOWN]
        values[position, : len(integers)] = integers
        lengths[position] = len(integers)
    return values, lengths


def weighted(numbers: list[list[int]], length: int, factors: Array) -> tuple[Array, Array, Array]:
    """Return the distinct known integers of each row in order, how many, and their weights.

    The heaviest are kept, and the sum of the squares of a row's weights is 1.

    Args:
        numbers: the integers of each row.
        length: of the rows to return.
        factors: of each integer from `FIRST` on.
    """
    levels = FIRST + len(factors)
    keys = [row * levels + number for row, of_row in enumerate(numbers) for number in of_row]
    distinct, counts = np.unique(np.array(keys, np.int64), return_counts=True)
    row, number = np.divmod(distinct, levels)
    known = number >= FIRST
    row, number = row[known], number[known]
    weight = (1 + np.log(counts[known])) * factors[number - FIRST]
    by_weight = np.lexsort((number, -weight, row))
    heaviest = np.sort(by_weight[places_in(row[by_weight]) < length])
    row, number, weight = row[heaviest], number[heaviest], weight[heaviest]
    weight = weight / np.sqrt(np.bincount(row, weight**2))[row]
    place, shape = places_in(row), (len(numbers), length)
    values, weights = np.full(shape, PADDING), np.zeros(shape)
    values[row, place], weights[row, place] = number, weight
    return values, np.bincount(row, minlength=len(numbers)), weights


def places_in(row: Array) -> Array:
    """Return the place of each item in its row, given the rows of all items in ascending order."""
    return np.asarray(np.arange(len(row)) - np.searchsorted(row, row))
