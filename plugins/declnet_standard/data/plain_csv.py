"""Recognition of plain CSV, which every reader interprets alike."""

import numpy as np

from declnet import Array

QUOTE, NEWLINE = ord('"'), ord("\n")


def last_row_end(piece: bytes) -> int:
    """Return where the last whole row of a piece ends, or 0 if none does.

    A line break within quotation marks does not end a row: the number of marks before it is odd.
    """
    end = piece.rfind(b"\n") + 1
    while end and piece.count(b'"', 0, end) % 2:
        end = piece.rfind(b"\n", 0, end - 1) + 1
    return end


def is_plain(piece: bytes, columns: int, delimiter: str) -> bool:
    """Return whether a piece of whole rows is plain.

    Plain means UTF-8 without NUL bytes, one cell per column in each row, no blank lines, and
    quotation marks only around whole cells, doubled within.
    """
    if not piece.isascii():
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError:
            return False
    if b"\0" in piece or b"\r" in piece:
        return False
    if columns == 1 and (piece.startswith(b"\n") or b"\n\n" in piece):
        return False
    letters = np.frombuffer(piece, np.uint8)
    ends = (letters == ord(delimiter)) | (letters == NEWLINE)
    if b'"' in piece:
        marks = letters == QUOTE
        inside = np.cumsum(marks, dtype=np.uint8) & 1
        ends &= inside == 0
        if not _are_around_cells(np.flatnonzero(marks), inside, ends, letters):
            return False
    found = letters[np.flatnonzero(ends)]
    if len(found) % columns or not len(found):
        return False
    rows = found.reshape(-1, columns)
    return bool((rows[:, -1] == NEWLINE).all() and (rows[:, :-1] != NEWLINE).all())


def _are_around_cells(marks: Array, inside: Array, ends: Array, letters: Array) -> bool:
    """Return whether each mark opens a cell, closes one, or is doubled."""
    opening, closing = marks[inside[marks] == 1], marks[inside[marks] == 0]
    after_end = (opening == 0) | ends[opening - 1] | (letters[opening - 1] == QUOTE)
    following = np.minimum(closing + 1, len(letters) - 1)
    before_end = ends[following] | (letters[following] == QUOTE)
    return bool(after_end.all() and before_end.all())
