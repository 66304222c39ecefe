r"""Dates and times in ONNX, by operators of opset 20.

A text is split at what is between its numbers, and the numbers become days since 1970. Dates with
the name of a month, times with AM or PM, and offsets from UTC cannot be read; a text that is
written otherwise than the pattern of the column's form is refused.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable, write_recorded
from declnet_plugins.onnx.text import LEAST_OPSET, places_of, replaced
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.transforms.dates import Datetime

TIME = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
FORMS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "year_first": (r"\d{4}SIGN\d{1,2}SIGN\d{1,2}(?:[ T]TIME(?:\.\d{1,9})?Z?)?", "-/T:Z", (0, 1, 2)),
    "day_first": (r"\d{1,2}SIGN\d{1,2}SIGN\d{4}(?:[ T]TIME)?", "-/.T:", (2, 1, 0)),
    "month_first": (r"\d{1,2}SIGN\d{1,2}SIGN\d{4}(?:[ T]TIME)?", "-/.T:", (2, 0, 1)),
    "time": (r"TIME(?:\.\d{1,9})?", ":", ()),
}
"""For each form: its pattern, what is between numbers, and the places of year, month and day."""

MOST = 6
"""Numbers of a date with a time."""


class OnnxDatetime(OnnxTranslation):
    """StringSplit, Cast, and the arithmetic of the calendar."""

    replaces = (Datetime,)

    def write(self, component: Datetime, site: TranslationSite, w: GraphWriter) -> str:
        """Return the parts of dates, (n, numbers); NaN for missing ones."""
        form, (x,) = site.state["form"], site.inputs
        if form not in FORMS:
            raise Untranslatable(
                "dates with the names of months cannot be read in ONNX", "write them as 2024-12-31"
            )
        if w.opset < LEAST_OPSET:
            raise Untranslatable(
                f"reading dates needs opset {LEAST_OPSET}, not {w.opset}", "choose a newer opset"
            )
        pattern, separators, places = FORMS[form]
        is_missing = w.op("Equal", x, w.constant(""))
        pattern = pattern.replace("TIME", TIME)
        signs = [sign for sign in ("-", "/", r"\.") if sign[-1] in separators]
        pattern = "|".join(pattern.replace("SIGN", sign) for sign in signs or ["SIGN"])
        is_date = w.op("RegexFullMatch", x, pattern=pattern)
        for separator in separators:
            x = replaced(w, x, separator, " ")
        numbers = _numbers(w, x)
        columns = [w.flat(w.slice(numbers, 1, at, at + 1)) for at in range(MOST)]
        if places:
            year, month, day = (columns[at] for at in places)
            clock = columns[3:]
        else:
            nothing = w.compute("Mul", columns[0], 0)
            year, month, day = (w.compute("Add", nothing, number) for number in (1970, 1, 1))
            clock = columns[:3]
        exists = w.op("And", is_date, _exists(w, year, month, day))
        w.refuse(w.op("Not", w.op("Or", exists, is_missing)))
        hours, minutes, seconds = clock
        of_hours = w.op("Add", w.compute("Mul", hours, 60), minutes)
        seconds = w.op("Add", w.compute("Mul", of_hours, 60), seconds)
        parts = _days(w, year, month, day), seconds
        moments = w.concat([w.expand(part, 1) for part in parts])
        moments = w.where(w.expand(is_missing, 1), w.like(moments, np.nan), moments)
        read = replace(site, inputs=(moments,), input_shapes=((2,),), input_types=("number",))
        (numbers,) = write_recorded(component.numbers_of, read)
        return str(numbers)


def _numbers(w: GraphWriter, text: str) -> str:
    """Return the numbers in each text, (n, MOST), followed by zeros."""
    parts, counts = w.node("StringSplit", [text], ("text", "int64"))
    within = w.op("Less", places_of(w, parts), w.expand(counts, 1))
    is_number = w.op("And", within, w.op("RegexFullMatch", parts, pattern=r"\d{1,4}(\.\d*)?"))
    digits = w.where(is_number, parts, w.constant("0"))
    numbers = w.cast(digits, "float64")
    pads = w.constant([0, 0, 0, MOST], "int64")
    return w.slice(w.op("Pad", numbers, pads), 1, 0, MOST)


def _floor_of(w: GraphWriter, value: str, divisor: float) -> str:
    return w.op("Floor", w.compute("Div", value, divisor))


def _days(w: GraphWriter, year: str, month: str, day: str) -> str:
    """Return days since 1970-01-01 in the Gregorian calendar, whose years begin in March here.

    Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013: days_from_civil.
    """
    is_early = w.compute("LessOrEqual", month, 2)
    year = w.op("Sub", year, w.cast(is_early, "float64"))
    era = _floor_of(w, year, 400)
    of_era = w.op("Sub", year, w.compute("Mul", era, 400))
    months = w.where(is_early, w.compute("Add", month, 9), w.compute("Sub", month, 3))
    of_year = _floor_of(w, w.compute("Add", w.compute("Mul", months, 153), 2), 5)
    leaps = w.op("Sub", _floor_of(w, of_era, 4), _floor_of(w, of_era, 100))
    total = w.op("Add", w.compute("Mul", of_era, 365), leaps)
    total = w.op("Add", w.op("Add", total, of_year), w.compute("Mul", era, 146097))
    return w.compute("Sub", w.op("Add", total, day), 719469)


def _exists(w: GraphWriter, year: str, month: str, day: str) -> str:
    """Return whether a date is in the calendar."""
    within = w.op("And", w.compute("GreaterOrEqual", month, 1), w.compute("LessOrEqual", month, 12))
    months = w.compute("Max", w.compute("Min", month, 12), 1)
    first = w.compute("Add", w.compute("Mul", day, 0), 1)
    is_last = w.compute("Equal", months, 12)
    after = w.where(is_last, first, w.compute("Add", months, 1))
    then = w.op("Add", year, w.cast(is_last, "float64"))
    size = w.op("Sub", _days(w, then, after, first), _days(w, year, months, first))
    fits = w.op("And", w.compute("GreaterOrEqual", day, 1), w.op("LessOrEqual", day, size))
    return w.op("And", within, fits)
