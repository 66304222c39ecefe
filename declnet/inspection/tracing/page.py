"""A trace as one HTML page, with nothing to load and no scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from declnet.inspection.tracing.numbers import Matrix, is_large, matrices, statistics
from declnet.inspection.tracing.sections import Numbers, Section

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 3rem 0 1rem; border-bottom: 2px solid; }
h3 { margin: 2rem 0 0.5rem; font-family: ui-monospace, monospace; font-size: 1rem; }
pre { margin: 0.5rem 0; padding: 0.5rem 1rem; background: #8882; white-space: pre-wrap; }
.arrays { display: flex; flex-wrap: wrap; gap: 1rem 2rem; overflow-x: auto; }
figure { margin: 0.5rem 0; }
figcaption { font-size: 0.9rem; }
table { border-collapse: collapse; border-left: 2px solid; border-right: 2px solid; }
td { padding: 0 0.6rem; text-align: right; font: 0.85rem ui-monospace, monospace; }
p { margin: 0.3rem 0; }
"""


def as_page(sections: Iterable[Section]) -> str:
    """Return the sections as an HTML document."""
    first, *others = sections
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(first.title)}</title>",
            f"<style>{_STYLE}</style></head>",
            f"<body><h1>{escape(first.title)}</h1>",
            *(f"<p>{escape(line)}</p>" for line in first.notes),
            *(line for other in others for line in _section(other)),
            "</body></html>\n",
        ]
    )


def _section(section: Section) -> Iterator[str]:
    heading = "h2" if section.chapter else "h3"
    yield f"<{heading}>{escape(section.title)}</{heading}>"
    if section.equations:
        stated = "\n".join(section.equations)
        yield f"<pre>{escape(stated)}</pre>"
    if section.arrays:
        yield '<div class="arrays">'
        yield from map(_figure, section.arrays)
        yield "</div>"
    for line in section.notes:
        yield f"<p>{escape(line)}</p>"


def _figure(numbers: Numbers) -> str:
    array, large = numbers.array, is_large(numbers.array)
    caption = f"{escape(numbers.label)} {array.shape}"
    if numbers.repeated and large:
        return f"<figure><figcaption>{caption}</figcaption></figure>"
    if large:
        caption += f"<br>{statistics(array)}"
    tables = "".join(map(_table, matrices(array)))
    return f"<figure><figcaption>{caption}</figcaption>{tables}</figure>"


def _table(matrix: Matrix) -> str:
    rows = (
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in matrix.rows
    )
    caption = f"<caption>{matrix.index}</caption>" if matrix.index else ""
    return f"<table>{caption}{''.join(rows)}</table>"
