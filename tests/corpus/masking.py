"""Masking of machine-dependent and time-dependent parts of declnet's output and files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.command_line import COMPILING

MASKS = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "<time>"),
    (r"\b\d+:\d\d (min|h)\b", "<duration>"),
    (r"(?<![\w.])\d+(\.\d+)? (s|ms|µs|min|minutes|seconds)\b", "<duration>"),
    (r"(?m)^(source: ).*/", r"\1<path>/"),
    (r"(spec\W+)sha256:[0-9a-f]{64}", r"\1<hash>"),
    (r"(?m)^( *seconds +)[\d.].*$", r"\1-"),
    (r'("(?:seconds|duration|pid|host|user)": )[^,}\n]+', r"\1<masked>"),
    (r'("(?:python|numpy|numba|platform|machine|polars|version)": )"[^"]*"', r"\1<masked>"),
    (r'("blas": )\{[^}]*\}', r"\1<masked>"),
    (
        r"(?m)^next: declnet .*(?:\n {6}declnet .*)*",
        "next: <commands>",
    ),  # versions of installed extras
]


def mask(text: str, folder: Path) -> str:
    """Return a text without durations, dates, versions of other packages, and the folder's path."""
    text = "\n".join(_without_seconds(text.replace(COMPILING, "").split("\n")))
    text = text.replace(str(folder), "<folder>")
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    return text


def _without_seconds(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a text without the numbers in columns named "seconds"."""
    end = 0
    for line in lines:
        heading = re.search(r"\bseconds\b(?: a run\b)?", line)
        if heading and line[: heading.start()].strip():
            end = heading.end()
        yield re.sub(r"[\d.]+$", "-", line[:end]) + line[end:]


HASH = re.compile(r"#[0-9a-f]{12}\b|sha256:[0-9a-f]{64}")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])")


def equal_but_for_rounding(recorded: str, now: str, tolerance: float = 1e-3) -> bool:
    """Return whether texts differ only in hashes and by rounding, as between processors.

    Args:
        recorded: a text without durations.
        now: the text to compare.
        tolerance: largest difference of two numbers, relative to the larger one and to 1e-3.
    """
    texts = [NUMBER.split(HASH.sub("", text)) for text in (recorded, now)]
    if [_blank(part) for part in texts[0]] != [_blank(part) for part in texts[1]]:
        return False
    numbers = [
        [float(number) for number in NUMBER.findall(HASH.sub("", text))] for text in (recorded, now)
    ]
    return all(
        abs(before - after) <= tolerance * max(abs(before), abs(after), 1e-3)
        for before, after in zip(*numbers, strict=True)
    )


def _blank(part: str) -> str:
    return re.sub(r"[ ─━]+", " ", part)
