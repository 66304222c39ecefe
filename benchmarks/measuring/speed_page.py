"""The table on docs/explanation/speed.md, a row per work, from what `training.py` has measured."""

import re
from typing import Any

HEADER = "| work | declnet | with the extra `jit` | JAX, scan over steps | best other peer |"
COLUMNS = ("declnet", "declnet-jit", "jax-scan")
"""The peers that have a column."""

NOT_MEASURED = "\N{EN DASH}"
ROUNDED = 10  # microseconds from which times are whole numbers
EARLIER = "*"  # after what an earlier run measured
TIME = re.compile(r"([\d.]+)(?=\*?$)")

LABELS = {
    "spiral_3000": "2→64→3, batch 3000, L2",
    "spiral_300": "2→64→3, batch 300, L2",
    "spiral_validated": "the same, validated after every step",
    "chain": "4→32→16→4 with tanh, batch 1000",
    "chain_float64": "the same in float64",
    "small": "64→128→64→10, batch 32",
    "small_validated": "the same, validated after every 100 steps",
    "deep": "64→6×256→10, batch 128",
    "wide": "784→512→512→10, batch 128",
    "wide_1024": "784→512→512→10, batch 1024",
    "convolution": "convolutions of 32×32 images",
    "embedding": "16 tokens, embedding 32→64→10",
    "lstm": "LSTM of 64 units, 50 steps of 16, batch 32",
    "attention": "transformer block, 64 steps of 64, 4 heads, batch 32",
}
"""The first cells of the rows, in order, by the work's name."""

OTHERS = {
    "torch": "PyTorch eager",
    "torch-compile": "torch.compile",
    "jax-jit": "JAX, jitted step",
    "keras": "Keras",
}
"""Names of peers without a column."""


def with_rows(page: str, records: list[dict[str, Any]]) -> str:
    """Return the page with the rows of measured works; raise ValueError if it has no table.

    What was not measured now is kept and marked as earlier, in rows of measured works.
    """
    before, rule, rows, after = _parts(page)
    for record in records:
        label = LABELS.get(record["work"]["name"])
        if label:
            rows[label] = _row(record, rows.get(label, [NOT_MEASURED] * (len(COLUMNS) + 1)))
    table = [f"| {' | '.join((label, *rows[label]))} |" for label in _ordered(rows)]
    return "\n".join([f"{before}{HEADER}", rule, *table, *after])


def times(page: str) -> dict[str, dict[str, float]]:
    """Return the microseconds in the rows of the page's table, by label and peer.

    The best other peer, whose name is in its cell, is `keras`; cells without a time are left out.
    """
    _, _, rows, _ = _parts(page)
    return {
        label: {
            peer: float(match[1])
            for peer, cell in zip((*COLUMNS, "keras"), cells, strict=True)
            if (match := TIME.search(cell.replace("**", "")))
        }
        for label, cells in rows.items()
    }


def _parts(page: str) -> tuple[str, str, dict[str, list[str]], list[str]]:
    """Return what is before the table, its second line, its rows, and the lines after it."""
    before, header, rest = page.partition(f"{HEADER}\n")
    if not header:
        raise ValueError(f"the page has no line {HEADER!r}")
    rule, *lines = rest.split("\n")
    count = next(number for number, line in enumerate(lines) if not line.startswith("|"))
    rows = {cells[0]: cells[1:] for cells in map(_cells, lines[:count])}
    return before, rule, rows, lines[count:]


def _ordered(rows: dict[str, list[str]]) -> list[str]:
    """Return the labels of rows in order, of which only known ones may be there."""
    unknown = set(rows) - set(LABELS.values())
    if unknown:
        raise ValueError(f"the table has rows that are none of LABELS: {', '.join(unknown)}")
    return [label for label in LABELS.values() if label in rows]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _row(record: dict[str, Any], earlier: list[str]) -> list[str]:
    """Return the cells after the first one, the shortest time in bold."""
    rows = {row["peer"]: row for row in record["rows"] if "median" in row and row["agrees"]}
    others = [row for row in rows.values() if row["counted"] and row["peer"] not in COLUMNS]
    cells = [_time(rows[peer]) if peer in rows else "" for peer in COLUMNS]
    best = min(others, key=lambda row: float(row["median"]), default=None)
    cells.append(f"{OTHERS.get(best['peer'], best['peer'])} {_time(best)}" if best else "")
    cells = [cell or _earlier(old) for cell, old in zip(cells, earlier, strict=True)]
    return _with_bold(cells)


def _time(row: dict[str, Any]) -> str:
    """Return a time in microseconds."""
    median = float(row["median"])
    return f"{median:.{1 if median < ROUNDED else 0}f}"


def _earlier(cell: str) -> str:
    cell = cell.replace("**", "")
    bare = cell.removesuffix(EARLIER)
    return bare if bare == NOT_MEASURED else bare + EARLIER


def _with_bold(cells: list[str]) -> list[str]:
    """Return the cells with the shortest time in bold."""
    matches = [TIME.search(cell) for cell in cells]
    times = [float(match[1]) if match else float("inf") for match in matches]
    at = times.index(min(times))
    match = matches[at]
    if match:
        cell = cells[at]
        cells[at] = f"{cell[: match.start()]}**{match[1]}**{cell[match.end() :]}"
    return cells
