"""Tokens of texts in C99, found in the sorted vocabulary byte by byte, so texts may be any length.

Texts are read in UTF-8; one with wrong bytes, or more than 32 marks on a letter, is refused.
"""

from __future__ import annotations

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.transforms.unicode import SPACE, WORD, reader, tables
from declnet_plugins.export.c99.translation import CTranslation, text_end
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.text import FIRST, PADDING, UNKNOWN, Tokenize

TOKENS = """
/* What is found in a text: where the tokens that begin at the last units are in the vocabulary,
   the first and the last of the possible ones and the length of what they share; and the result. */
typedef struct {
    const char *const *texts;
    const int32_t *numbers;
    int text_count, has_words, longest, units, keeps_end, counts;
    int32_t (*states)[3];
    int32_t *y;
    int32_t size, count;
} $name;

/* Keep the tokens that go on with a byte. */
static void ${name}_byte($name *t, int32_t *state, int32_t byte)
{
    for (int side = 0; side < 2; side++) {
        int32_t from = state[0], to = state[1];
        while (from < to) {
            const int32_t middle = from + (to - from) / 2;
            const unsigned char next = (unsigned char) t->texts[middle][state[2]];
            if (next < byte + side) from = middle + 1;
            else to = middle;
        }
        state[side] = from;
    }
    state[2]++;
}

static void ${name}_character($name *t, int32_t c)
{
    const int size = 1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
    for (int i = 0; i < size; i++) {
        int32_t byte = c >> 6 * (size - 1 - i);
        if (i > 0) byte = (byte & 0x3F) | 0x80;
        else if (size > 1) byte |= 0xF00 >> size & 0xFF;
        for (int k = 0; k < t->longest; k++)
            if (t->states[k][0] < t->states[k][1]) ${name}_byte(t, t->states[k], byte);
    }
}

/* Begin a word or character, with which the last ones go on. */
static void ${name}_begin($name *t)
{
    for (int k = t->longest - 1; k > 0; k--) {
        for (int i = 0; i < 3; i++) t->states[k][i] = t->states[k - 1][i];
        if (t->has_words) ${name}_byte(t, t->states[k], ' ');
    }
    t->states[0][0] = t->states[0][2] = 0;
    t->states[0][1] = t->text_count;
    if (t->units < t->longest) t->units++;
}

/* End a word or character, and all tokens that it ends. */
static void ${name}_end($name *t)
{
    for (int k = 0; k < t->units; k++) {
        const int32_t *const state = t->states[k];
        int32_t number = $unknown;
        if (state[0] < state[1] && t->texts[state[0]][state[2]] == 0) number = t->numbers[state[0]];
        if (t->counts) {
            if (number >= $first) t->y[number - $first]++;
        } else if (t->count < t->size) {
            t->y[t->count++] = number;
        } else if (t->keeps_end) {
            for (int32_t i = 1; i < t->size; i++) t->y[i - 1] = t->y[i];
            t->y[t->size - 1] = number;
        }
    }
}

/* Find all tokens of a text; returns 0 if it cannot be read. */
static int ${name}_all($name *t, $reader *text)
{
    int is_inside = 0;
    int32_t c = ${reader}_next(text);
    while (c >= 0) {
        const int32_t following = ${reader}_next(text);
        const int kind = t->has_words ? ${reader}_kind(text, c) : 0;
        const int joins = is_inside && (c == 0x27 || c == 0x2019) && following >= 0
            && (${reader}_kind(text, following) & $word);
        const int goes_on = joins || (kind & $word);
        if (is_inside && !goes_on) ${name}_end(t);
        if (!is_inside || !goes_on) {
            if (!(kind & $space)) ${name}_begin(t);
        }
        if (!(kind & $space)) ${name}_character(t, c);
        if (!goes_on && !(kind & $space)) ${name}_end(t);
        is_inside = goes_on;
        c = following;
    }
    if (is_inside) ${name}_end(t);
    return c == -1;
}
"""

FIND = """
{
    const char *const text = x[0] == NULL ? "" : x[0];
    int32_t states[$longest][3] = {{0}};
    $reader reading = {
        .at = (const unsigned char *) text, .end = (const unsigned char *) $text_end(text),
        $fields
    };
    $tokens found = {
        .texts = $texts, .numbers = $numbers, .text_count = $text_count, .has_words = $has_words,
        .longest = $longest, .keeps_end = $keeps_end, .counts = $counts, .states = states,
        .y = y, .size = $size
    };
    for (int32_t i = 0; i < $size; i++) y[i] = 0;
    if (!${tokens}_all(&found, &reading)) {
        out->column = $column;
        return ${PREFIX}_INVALID_TEXT;
    }
}
"""

HEAVIEST = """
int32_t count = 0;
for (int32_t i = 0; i < $levels; i++) {
    if (x[i] == 0) continue;
    const $number weight = (1 + log$f(($number) x[i])) * $factors[i];
    if (count == $length) {
        int32_t least = 0;
        for (int32_t k = 1; k < count; k++) if (weights[k] <= weights[least]) least = k;
        if (weight <= weights[least]) continue;
        for (int32_t k = least + 1; k < count; k++) {
            y[k - 1] = y[k];
            weights[k - 1] = weights[k];
        }
        count--;
    }
    weights[count] = weight;
    y[count++] = $first + i;
}
for (; count < $length; count++) y[count] = $padding;
"""

WEIGHTS = """
$number squares = 0;
for (int32_t i = 0; i < $length; i++) {
    const int32_t k = values[i] - $first;
    y[i] = k < 0 ? 0 : (1 + log$f(($number) x[k])) * $factors[k];
    squares += y[i] * y[i];
}
for (int32_t i = 0; i < $length; i++) y[i] = squares > 0 ? y[i] / sqrt$f(squares) : 0;
"""

LENGTHS = "y[0] = 0;\nfor (int32_t i = 0; i < $length; i++) y[0] += x[i] != $padding;"


class CTokenize(CTranslation):
    """Tokens in their order, or their counts; then which are heaviest, their number and weights."""

    replaces = (Tokenize,)

    def write(self, transform: Tokenize, site: TranslationSite, w: CWriter) -> tuple[Value, ...]:
        """Add steps for the integers, their number, and any weights."""
        (x,), tokens, length = site.inputs, site.state["tokens"], site.state["length"]
        if x.ctype != TEXT or x.size != 1:
            raise Untranslatable("in windows of rows, only numbers and dates can be prepared")
        weighted = transform.weights is not None
        size = len(tokens) if weighted else length
        numbers = self._numbers(transform, site, w, size)
        terms = {"length": length, "levels": size, "first": FIRST, "padding": PADDING}
        if not weighted:
            lengths = w.compute(
                f"{site.name}_lengths", LENGTHS, {"x": numbers}, (), ctype="int32_t", **terms
            )
            return numbers, lengths
        terms["factors"] = w.raw_constant(f"{site.name}_factors", site.state["factors"])
        values = w.compute(
            f"{site.name}_values", HEAVIEST, {"x": numbers}, (length,), ctype="int32_t",
            scratch={"weights": w.scratch(length, w.number)}, **terms,
        )  # fmt: skip
        lengths = w.compute(
            f"{site.name}_lengths", LENGTHS, {"x": values}, (), ctype="int32_t", **terms
        )
        weights = w.compute(
            f"{site.name}_weights", WEIGHTS, {"x": numbers, "values": values}, (length,),
            ctype=w.number, **terms,
        )  # fmt: skip
        return values, lengths, weights

    def _numbers(self, transform: Tokenize, site: TranslationSite, w: CWriter, size: int) -> Value:
        """Return the integers of the tokens in their order, or how often each occurs."""
        has_words, tokens = transform.unit == "words", site.state["tokens"]
        ordered = sorted(range(len(tokens)), key=tokens.__getitem__)
        numbers = np.array(ordered) + FIRST
        fields = tables(w, tokens, words=has_words, lowercase=transform.lowercase)
        reading = reader(w)
        known = {"unknown": str(UNKNOWN), "first": str(FIRST), "reader": reading}
        known |= {"word": str(WORD), "space": str(SPACE)}
        body = FIND
        if transform.weights is None:
            body += f"if (y[0] == {PADDING}) y[0] = {UNKNOWN};\n"
        if transform.missing == "error":
            missing = "if (x[0] == NULL) {\n    out->column = $column;\n"
            body = missing + "    return ${PREFIX}_MISSING;\n}\n" + body
        return w.compute(
            f"{site.name}_tokens", body, {"x": site.inputs[0]}, (size,), ctype="int32_t",
            inline=True, size=size, longest=transform.ngrams, has_words=int(has_words),
            keeps_end=int(transform.cut == "start"), counts=int(transform.weights is not None),
            texts=w.strings(f"{site.name}_texts", tuple(tokens[at] for at in ordered)),
            numbers=w.constant(f"{site.name}_numbers", numbers, "int32_t"),
            text_count=len(tokens), tokens=w.helper("tokens", TOKENS, **known),
            text_end=text_end(w), reader=reading,
            fields=", ".join(f".{name} = {value}" for name, value in fields.items()),
        )  # fmt: skip
