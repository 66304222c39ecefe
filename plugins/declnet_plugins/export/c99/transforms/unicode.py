"""Unicode in C99: characters of UTF-8 that are normalized (NFC) and in lower case, in sequence.

The tables come from the Python that exports. They have what can change the tokens of a text: which
characters are letters or spaces, and how marks compose, for all characters; other forms of letters
only for those that the vocabulary has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np

from declnet_plugins.export.c99.writer import CWriter

FIRST_MARK = 0x300
"""The first character that changes when it is normalized, or that composes with one before it."""

WORD, SPACE, CASED, IGNORABLE, MARK = 1, 2, 4, 8, 16
"""What a character is, in bits; its rank among marks begins at MARK."""

BITS = 10
"""Bits of these, below the first character of a range."""

CAPITAL_SIGMA, SIGMA, FINAL_SIGMA = "\u03a3", "\u03c3", "\u03c2"

CHARACTERS = tuple(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)

DECODED = """
/* The next character of UTF-8, which is moved past; -1 at the end, -2 if the bytes are wrong. */
static int32_t $name(const unsigned char **at, const unsigned char *end)
{
    static const int32_t least[4] = {0, 0x80, 0x800, 0x10000};
    if (*at == end) return -1;
    int32_t c = *(*at)++;
    const int size = c < 0x80 ? 0 : c < 0xC0 ? 4 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF8 ? 3 : 4;
    if (size == 0) return c;
    if (size == 4) return -2;
    c &= 0x3F >> size;
    for (int i = 0; i < size; i++) {
        if (*at == end || (**at & 0xC0) != 0x80) return -2;
        c = c << 6 | (*(*at)++ & 0x3F);
    }
    return c < least[size] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? -2 : c;
}
"""

ROW = """
/* The first row of three numbers, in order, that begins with these; NULL without one.
   A second number of -1 is any. */
static const int32_t *$name(const int32_t *rows, int count, int32_t first, int32_t second)
{
    int from = 0, to = count;
    while (from < to) {
        const int middle = from + (to - from) / 2;
        const int32_t *const row = rows + 3 * middle;
        if (row[0] < first || (row[0] == first && row[1] < second)) from = middle + 1;
        else to = middle;
    }
    rows += 3 * from;
    if (from == count || rows[0] != first || (second >= 0 && rows[1] != second)) return NULL;
    return rows;
}
"""

COMPOSED = """
/* The character that another one and a following one are together; -1 if they stay two. */
static int32_t $name(int32_t a, int32_t b)
{
    if (b < $first_mark) return -1;
    if (a >= 0x1100 && a <= 0x1112 && b >= 0x1161 && b <= 0x1175) /* Hangul */
        return 0xAC00 + ((a - 0x1100) * 21 + b - 0x1161) * 28;
    if (a >= 0xAC00 && a <= 0xD7A3 && (a - 0xAC00) % 28 == 0 && b >= 0x11A8 && b <= 0x11C2)
        return a + b - 0x11A7;
    const int32_t *const row = $row($pairs, $pair_count, b, a);
    return row == NULL ? -1 : row[2];
}
"""

READER = """
#define ${NAME}_MARKS 32 /* after one letter, at most */

/* A text that is read character by character, normalized and perhaps in lower case. */
typedef struct {
    const unsigned char *at, *end;
    const int32_t *ranges, *changes, *lower;
    int ranges_count, changes_count, lower_count;
    int after_cased, pushed, ready, next;
    int32_t stack[8], letters[${NAME}_MARKS + 2];
} $name;

/* What a character is: the bits of its range, which begin below the first character. */
static int ${name}_kind(const $name *text, int32_t c)
{
    int from = 0, to = text->ranges_count;
    while (to - from > 1) {
        const int middle = from + (to - from) / 2;
        if (text->ranges[middle] >> $bits <= c) from = middle;
        else to = middle;
    }
    return text->ranges[from] & ((1 << $bits) - 1);
}

/* The next character as it is; a capital sigma is already in lower case, if that matters. */
static int32_t ${name}_taken($name *text)
{
    if (text->pushed > 0) return text->stack[--text->pushed];
    int32_t c = $decoded(&text->at, text->end);
    if (c < 0 || text->lower_count == 0 || text->lower[0] >= 0) return c;
    const int kind = ${name}_kind(text, c);
    if (c == 0x3A3) {
        const unsigned char *at = text->at;
        int32_t following = $decoded(&at, text->end);
        while (following >= 0 && (${name}_kind(text, following) & $ignorable))
            following = $decoded(&at, text->end);
        const int ends = following < 0 || !(${name}_kind(text, following) & $cased);
        c = text->after_cased && ends ? 0x3C2 : 0x3C3;
    }
    if (!(kind & $ignorable)) text->after_cased = kind & $cased;
    return c;
}

/* Compose a letter and its marks, in order; returns how many marks remain. */
static int ${name}_composed(const $name *text, int32_t *letter, int32_t *marks, int count)
{
    int remaining = 0, before = 0;
    for (int i = 0; i < count; i++) {
        const int rank = ${name}_kind(text, marks[i]) / $mark;
        const int32_t both = *letter < 0 || (remaining > 0 && before == rank)
            ? -1 : $composed(*letter, marks[i]);
        if (both >= 0) *letter = both;
        else marks[remaining++] = marks[i], before = rank;
    }
    return remaining;
}

/* Read a letter and its marks; returns 0 if the bytes are wrong, or there are too many marks. */
static int ${name}_filled($name *text)
{
    int32_t letter = -1, c, *const marks = text->letters + 2;
    int count = 0;
    while ((c = ${name}_taken(text)) >= 0) {
        const int rank = c < $first_mark ? 0 : ${name}_kind(text, c) / $mark;
        const int32_t *const row = c < $first_mark
            ? NULL : $row(text->changes, text->changes_count, c, -1);
        if (row != NULL) {
            if (row[2] != 0) text->stack[text->pushed++] = row[2];
            text->stack[text->pushed++] = row[1];
        } else if (rank > 0) {
            for (int i = count == 0 ? 0 : $pair_count; i < $pair_count; i++) {
                const int32_t *const pair = $pairs + 3 * i;
                if (pair[2] != letter || ${name}_kind(text, pair[0]) < $mark) continue;
                for (int k = count++; k > 0; k--) marks[k] = marks[k - 1];
                marks[0] = pair[0], letter = pair[1], i = -1;
            }
            if (count == ${NAME}_MARKS) return 0;
            int at = count++;
            for (; at > 0 && ${name}_kind(text, marks[at - 1]) / $mark > rank; at--)
                marks[at] = marks[at - 1];
            marks[at] = c;
        } else {
            count = ${name}_composed(text, &letter, marks, count);
            const int32_t both = letter < 0 || count > 0 ? -1 : $composed(letter, c);
            if (both < 0 && (letter >= 0 || count > 0)) {
                text->stack[text->pushed++] = c;
                break;
            }
            letter = both < 0 ? c : both;
        }
    }
    if (c == -2) return 0;
    count = ${name}_composed(text, &letter, marks, count);
    text->next = text->ready = 2;
    if (letter >= 0) {
        const int32_t *const row = $row(text->lower, text->lower_count, letter, -1);
        text->letters[1] = row == NULL ? letter : row[1];
        text->next = 1;
        if (row != NULL && row[2] != 0) {
            text->letters[0] = row[1], text->letters[1] = row[2];
            text->next = 0;
        }
    }
    text->ready += count;
    return 1;
}

/* The next character; -1 at the end, -2 if the text cannot be read. */
static int32_t ${name}_next($name *text)
{
    if (text->next == text->ready && !${name}_filled(text)) return -2;
    return text->next < text->ready ? text->letters[text->next++] : -1;
}
"""


def reader(w: CWriter) -> str:
    """Return the name of the type of a text that is read, with what its functions begin with."""
    pairs = w.constant("compositions", np.array(_compositions()), "int32_t")
    terms = {
        "pairs": pairs,
        "pair_count": str(len(_compositions())),
        "first_mark": hex(FIRST_MARK),
        "row": w.helper("row", ROW),
        "decoded": w.helper("decoded", DECODED),
        "bits": str(BITS),
        "cased": str(CASED),
        "ignorable": str(IGNORABLE),
        "mark": str(MARK),
    }
    terms["composed"] = w.helper("composed", COMPOSED, **terms)
    return w.helper("reader", READER, NAME=f"{w.prefix.upper()}_READER", **terms)


def tables(w: CWriter, tokens: Iterable[str], *, words: bool, lowercase: bool) -> dict[str, str]:
    """Return the fields of a reader that tell a vocabulary's tokens apart, with what they hold.

    Args:
        w: the writer.
        tokens: the vocabulary.
        words: whether letters and spaces matter.
        lowercase: whether upper and lower case are the same.
    """
    letters = frozenset("".join(tokens))
    has_sigma = lowercase and not letters.isdisjoint((SIGMA, FINAL_SIGMA))
    lower = [row for row in _lower() if lowercase and _matters(row, letters)]
    lower = [(-1, 0, 0), *lower] if has_sigma else lower  # which the program asks for
    changes = [row for row in _changes() if _matters(row, letters)]
    mask = (words and WORD | SPACE) | (has_sigma and CASED | IGNORABLE) | -MARK
    fields: dict[str, Sequence[Any]] = {"ranges": _ranges(mask), "changes": changes, "lower": lower}
    written = {}
    for name, rows in fields.items():
        array = np.array(rows or [(0, 0, 0)], np.int64)
        written[name] = w.constant(name, array, "int32_t")
        written[f"{name}_count"] = str(len(rows))
    return written


def _matters(row: tuple[int, int, int], letters: frozenset[str]) -> bool:
    """Return whether a character's other form tells tokens apart: it is known, or no such letter.

    Of a character that the vocabulary has in neither form, nothing else matters than what it is.
    """
    before, *after = (chr(code) for code in row if code)
    kinds = _kinds()
    same = len(after) == 1 and kinds[ord(before)] == kinds[ord(after[0])]
    return not (same and letters.isdisjoint(after) and ord(after[0]) not in _parts())


@cache
def _kinds() -> dict[int, int]:
    """Return what each character is, and its rank among marks."""
    text = "".join(CHARACTERS)
    kinds = {ord(c): unicodedata.combining(c) for c in CHARACTERS}
    ranks = {number: rank * MARK for rank, number in enumerate(sorted({*kinds.values()}))}
    kinds = {code: ranks[number] for code, number in kinds.items()}
    for pattern, bit in ((r"\w", WORD), (r"\s", SPACE)):
        for c in re.findall(pattern, text):
            kinds[ord(c)] += bit
    return kinds


@cache
def _cases() -> dict[int, int]:
    """Return which characters are cased, or ignored around the end of a word.

    Python says so by how it lowers a capital sigma, which has another form at the end of a word.
    """
    cases = {}
    for c in CHARACTERS:
        follows = (c + CAPITAL_SIGMA).lower()[-1] == FINAL_SIGMA
        skipped = ("A" + c + CAPITAL_SIGMA).lower()[-1] == FINAL_SIGMA
        cases[ord(c)] = CASED if follows else IGNORABLE if skipped else 0
    return cases


@cache
def _ranges(mask: int) -> list[int]:
    """Return the first character of each range and, in the lowest bits, what its characters are."""
    cases = _cases() if mask & CASED else {}
    kinds = ((code, (kind | cases.get(code, 0)) & mask) for code, kind in _kinds().items())
    groups = groupby(kinds, key=lambda pair: pair[1])
    return [next(group)[0] << BITS | kind for kind, group in groups]


@cache
def _decompositions() -> list[tuple[int, int, int]]:
    """Return each character with one or two that are canonically the same, 0 for none."""
    rows = []
    for c in CHARACTERS:
        parts = unicodedata.decomposition(c).split()
        if parts and not parts[0].startswith("<"):
            first, second = (int(part, 16) for part in (*parts, "0")[:2])
            rows.append((ord(c), first, second))
    return rows


@cache
def _compositions() -> list[tuple[int, int, int]]:
    """Return the second, the first and both together of all that compose, in order."""
    stable = (row for row in _decompositions() if unicodedata.is_normalized("NFC", chr(row[0])))
    return sorted((second, first, both) for both, first, second in stable)


@cache
def _parts() -> frozenset[int]:
    """Return the characters that compose with others."""
    return frozenset(code for second, first, _ in _compositions() for code in (second, first))


@cache
def _changes() -> list[tuple[int, int, int]]:
    """Return the characters that are never there once a text is normalized, as they decompose."""
    return [row for row in _decompositions() if not unicodedata.is_normalized("NFC", chr(row[0]))]


@cache
def _lower() -> list[tuple[int, int, int]]:
    """Return characters with one or two that are their lower case, 0 for none."""
    changed = ((ord(c), c.lower() + "\0") for c in CHARACTERS if c.lower() != c)
    return [(code, ord(lower[0]), ord(lower[1])) for code, lower in changed]
