"""Plain-text tables."""

from collections.abc import Sequence

from measuring.rows import Comparison, Row
from works.work import Work

Cells = tuple[str, ...]


def aligned(lines: Sequence[Cells]) -> list[str]:
    """Return lines of cells, the first column left-aligned and the others right-aligned."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def cells(row: Row, comparison: Comparison, limit: float | None) -> Cells:
    """Return the cells of a row; `limit` is the machine's, in microseconds."""
    best = comparison.best
    return (
        row.peer.name,
        f"{row.median:.1f}",
        f"{min(row.times):.1f}-{max(row.times):.1f}",
        f"{row.median / best:.2f}" if best else "-",
        f"{row.median / limit:.1f}" if limit else "-",
        f"{row.peak:.0f}",
        f"{row.loss:.6g}" + ("" if comparison.agrees(row) else " differs"),
    )


def notes(work: Work, rows: list[Row]) -> list[str]:
    """Return the notes on single rows, including failures."""
    lines = []
    for row in rows:
        if row.failure:
            lines.append(f"{row.peer.name} {row.failure}")
        texts = [row.peer.notes[key] for key in ("*", work.name) if key in row.peer.notes]
        if row.samples and texts:
            lines.append(f"{row.peer.name}: {'; '.join(texts)}")
        if row.slow:
            lines.append(f"{row.peer.name}: measured once only, being so slow")
        if row.samples and not row.steady:
            lines.append(f"{row.peer.name}: unsteady; measure again on a quiet machine")
    return lines


def work_table(
    work: Work, comparison: Comparison, headers: Cells, limit: float | None, more: list[str]
) -> str:
    """Return the whole table, fastest first; `more` are notes in addition to the rows' own."""
    lines = [headers, *(cells(row, comparison, limit) for row in comparison.measured)]
    text = [work.title, *(f"  {line}" for line in aligned(lines))]
    return "\n".join(
        [*text, *(f"  note: {note}" for note in [*notes(work, comparison.rows), *more])]
    )
