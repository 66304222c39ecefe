"""Text cells in C: any bytes, under the sanitizers, compared with the transforms in Python."""

from __future__ import annotations

import struct
import subprocess
from datetime import datetime
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import ColumnError
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedStep,
)
from declnet_plugins.exchange.checks.cases import NoLoss
from declnet_plugins.exchange.exported_model import parts_of
from declnet_plugins.export.c99.exporter import C99
from declnet_plugins.export.c99.text import string
from declnet_plugins.standard.transforms.dates import Datetime, Part
from declnet_plugins.standard.transforms.text import Tokenize

from ..cases import REGISTRY, Unchanged, texts
from .test_models import GCC, SANITIZED, STRICT

pytestmark = pytest.mark.skipif(GCC is None, reason="gcc is not installed")

MISSING = ("", "NA")
INVALID_TEXT = 5

MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include "cells.c"

int main(void)
{
    unsigned record[2];
    while (fread(record, sizeof record, 1, stdin) == 1) {
        char *text = malloc(record[1] + 1); /* no longer, so that a sanitizer sees what is beyond */
        if (text == NULL || fread(text, 1, record[1], stdin) != record[1]) return 1;
        text[record[1]] = 0;
        cells_row row = {EXAMPLES};
        cells_output out;
        switch (record[0]) {
        CASES
        }
        puts("");
        free(text);
    }
    return 0;
}
"""

CASE = """
case {at}:
    row.{name} = text;
    printf("%d", cells_predict(&row, &out));
    {printed}
    break;
"""

PRINTED = 'for (int i = 0; i < {count}; i++) printf(" %.9g", (double) out.{name}.values[i]);'


class Program:
    """A compiled program that applies fitted transforms to cells, one transform per column."""

    def __init__(self, folder, transforms):
        steps, inputs, nodes, cases, self.fitted = [], [], [], [], {}
        for at, (column, (transform, cells)) in enumerate(transforms.items()):
            state = transform.fit(cells)
            self.fitted[column] = at, transform, state
            parts = parts_of(transform.apply(cells, state))
            shape = parts["values"].shape[1:]
            steps.append(
                ExportedStep(column, transform, state, "text", (), "number", shape, tuple(parts))
            )
            printed = []
            for part, array in parts.items():
                name, shape = f"{column}_{part}", array.shape[1:] or (1,)
                inputs.append(ExportedInput(f"input.{name}", (column,), shape, part=part))
                nodes.append(
                    ExportedNode(
                        name, Unchanged(), (f"input.{name}",), (shape,), ("float",), shape, {}
                    )
                )
                printed.append(PRINTED.format(name=name, count=np.prod(shape)))
            cases.append(CASE.format(at=at, name=column, printed="\n    ".join(printed)))
        finish = (ExportedFinish(node.name, node.output_shape, NoLoss()) for node in nodes)
        member = ExportedMember("", tuple(steps), tuple(inputs), tuple(nodes), tuple(finish))
        outputs = tuple(ExportedOutput(node.name, node.output_shape, "values") for node in nodes)
        columns = tuple(ExportedColumn(name, "text", missing=MISSING) for name in transforms)
        model = ExportedModel("cells", columns, (member,), outputs, np.dtype("float32"), REGISTRY)
        self.folder = folder
        C99(prefix="cells").export(model, self.folder / "cells.c")
        examples = (f".{name} = {string(cells[0])}" for name, (_, cells) in transforms.items())
        main = MAIN.replace("EXAMPLES", ", ".join(examples)).replace("CASES", "".join(cases))
        (self.folder / "main.c").write_text(main)
        command = [GCC, *STRICT, "-std=c11", *SANITIZED, "main.c", "-o", "main", "-lm"]
        subprocess.run(command, cwd=self.folder, check=True)

    def rows(self, cells):
        """Return the error of each cell, as (column, bytes), and the numbers it becomes."""
        records = (
            struct.pack("II", self.fitted[name][0], len(cell)) + cell for name, cell in cells
        )
        done = subprocess.run(
            [self.folder / "main"], input=b"".join(records), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        for line in done.stdout.decode().splitlines():
            code, *numbers = line.split()
            yield int(code), np.array(numbers, float)

    def expected(self, column, cell):
        """Return the transform's numbers for a cell, or None if it refuses the cell."""
        _, transform, state = self.fitted[column]
        try:
            trimmed = cell.decode().strip(" \t")
            prepared = transform.apply(texts(None if trimmed in MISSING else trimmed), state)
        except (UnicodeDecodeError, ColumnError):
            return None
        numbers = np.concatenate([part.ravel() for part in parts_of(prepared).values()])
        return numbers if np.isfinite(numbers).all() else None

    def check(self, cells):
        """Compare cells (column, bytes) with the transforms; invalid UTF-8 must be refused."""
        for (column, cell), (code, numbers) in zip(cells, self.rows(cells), strict=True):
            expected = self.expected(column, cell)
            assert (code == 0) == (expected is not None), (column, cell, code)
            if expected is not None:
                np.testing.assert_allclose(
                    numbers, expected, rtol=1e-6, atol=1e-6, err_msg=f"{column} {cell!r}"
                )


PARTS = get_args(Part)
FORMS = {
    "year_first": ("2024-02-29", "%Y-%m-%d", "%Y/%m/%d", "%Y-%m"),
    "day_first": ("29.2.2024", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%Y"),
    "month_first": ("2/29/2024", "%m/%d/%Y", "%m/%d/%y"),
    "day_name": ("29 Feb 2024", "%d %B %Y", "%d-%b-%Y"),
    "name_day": ("Feb 29, 2024", "%b %d, %Y", "%B. %d %Y"),
    "month_name": ("Feb 2024", "%B %Y", "%b-%Y"),
    "time": ("23:59:58",),
}
TIMES = ("", " %H:%M", "T%H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S%p", " %I:%M p.m.")
ZONES = ("", "Z", " UTC", "GMT", "+05:30", "-1130", " +14", "+99:99", "+0", "-12:")


@pytest.fixture(scope="module")
def dates(tmp_path_factory):
    return Program(
        tmp_path_factory.mktemp("dates"),
        {
            form: (Datetime(parts=PARTS[7:] if form == "time" else PARTS, cycles=False),
                   texts(patterns[0]))
            for form, patterns in FORMS.items()
        }
    )  # fmt: skip


@st.composite
def date_cells(draw):
    """A column and a date in its format, possibly with wrong characters."""
    form = draw(st.sampled_from([*FORMS]))
    moment = draw(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)))
    time, zone = draw(st.sampled_from(TIMES)), draw(st.sampled_from(ZONES))
    if form == "time":
        text = moment.strftime(time.strip(" T") or "%H:%M")
    else:
        pattern = draw(st.sampled_from(FORMS[form][1:]))
        text = moment.strftime(pattern + time).replace(" 0", " ") + (zone if time else "")
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        at = draw(st.integers(0, len(text)))
        new = draw(st.sampled_from([*"0123456789-/.,: +TZApm\t", "", "\u0663", "\xa0"]))
        text = text[:at] + new + text[at + draw(st.integers(0, 1)) :]
    text = draw(st.sampled_from(("", " ", "\t "))) + text + draw(st.sampled_from(("", "  ")))
    return form, text.encode()


@given(cells=st.lists(date_cells(), min_size=20, max_size=60))
def test_dates_match_declnet(dates, cells):
    dates.check(cells)


ODD = (
    *"aAbe\u00e9\u0130iI\u03a3\u03c3\u03c2\u0391\u01c5\u212b\u00c5\u1e9e\u00df\ufb01\u2126",
    *"\u0301\u0308\u0323\u0345\u0307\u093c\u0958\u0344\u1100\u1161\u11a8\uac00\u0cc6\u0cc2\u0cd5",
    *"\U0001d15e\U0001d165\uf900\u8c48\u4e2d\u0663\u2167\u24b6\U0001f600\u200d\u00ad\ufeff",
    *"'\u2019_-.,!?$ \t\n\r\x0b\u00a0\u2009\u3000\x1c\x85",
    "don't", "caf\u00e9", "\u03a3\u0391\u03a3",
)  # fmt: skip
CORPUS = texts(
    "Don't stop the caf\u00e9, ok? 5 $ + don't",
    "\u03a3\u03b1\u03c2 \u03c3\u03b1 I\u0307i \u03c3 \u03c2 \u4e2d\u6587",
    "a b a b a - \u1eb9\u0301 \uac00\uac01 \u8c48 \u00c5 \u00df _x_ rock'n'roll \u0958",
)  # fmt: skip
TOKENIZERS = {
    "words": {"min_count": 1, "length": 5},
    "pairs": {"min_count": 1, "ngrams": 2, "cut": "start", "missing": "empty", "max_tokens": 20},
    "exact": {"min_count": 1, "lowercase": False, "length": 7},
    "characters": {"min_count": 1, "unit": "characters", "length": 9, "cut": "start"},
    "triples": {"min_count": 1, "unit": "characters", "ngrams": 3, "lowercase": False},
    "weights": {"min_count": 1, "ngrams": 3, "weights": "tf_idf", "length": 6, "missing": "empty"},
}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    transforms = {name: (Tokenize(**fields), CORPUS) for name, fields in TOKENIZERS.items()}
    return Program(tmp_path_factory.mktemp("tokens"), transforms)


def text_cells():
    """A column and a text without NUL, which would end the string in C."""
    odd = st.lists(st.sampled_from(ODD), max_size=30).map("".join)
    text = st.one_of(odd, st.text(max_size=30)).filter(lambda text: "\0" not in text)
    return st.tuples(st.sampled_from([*TOKENIZERS]), text.map(str.encode))


@given(cells=st.lists(text_cells(), min_size=20, max_size=60))
def test_tokens_match_declnet(tokens, cells):
    tokens.check(cells)


def test_of_equally_heavy_tokens_the_first_remain(tokens):
    tokens.check([("weights", text.encode()) for text in CORPUS])


@given(cells=st.lists(st.binary(max_size=12).filter(lambda cell: 0 not in cell), max_size=200))
def test_bytes_that_are_not_utf_8_are_refused(tokens, cells):
    tokens.check([("words", cell) for cell in cells])


def test_texts_may_be_long_but_letters_have_few_marks(tokens):
    long = "don't stop caf\u00e9 " * 5000
    tokens.check([("weights", long.encode()), ("pairs", b"x" * 100_000)])
    marks = ("e" + "\u0301\u0323" * count for count in (15, 16, 17))
    codes = [code for code, _ in tokens.rows([("words", text.encode()) for text in marks])]
    assert codes == [0, 0, INVALID_TEXT]
