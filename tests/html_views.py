"""Contents of notebook views, read by a parser that refuses malformed or unsafe HTML."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"polyline", "line", "rect"}
ATTRIBUTES = {"class", "open", "role", "value", "max", "points", "stroke-dasharray"}
ATTRIBUTES |= {"scope", "style", "aria-hidden", "text-anchor", "x", "y", "x1", "y1", "x2", "y2"}
ATTRIBUTES |= {"viewbox", "width", "height", "fill", "stroke", "stroke-width"}


class HtmlView(HTMLParser):
    """The elements and texts of a view.

    Attributes:
        texts: the texts, each with the name of the innermost element around it.
        tables: the cells of each table, by row.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.names: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []
        assert text.startswith('<div class="declnet"><style>')
        assert text.count("<style>") == 1
        assert len(text) < 20_000

    @property
    def text(self) -> str:
        return "".join(text for name, text in self.texts if name != "style")

    def inside(self, name: str) -> list[str]:
        """Return the texts directly inside elements of this name."""
        return [text for around, text in self.texts if around == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "img", "iframe", "object", "a", "base", "meta"}
        assert {name for name, _ in attrs} <= ATTRIBUTES
        self.names.append(tag)
        self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        assert {name for name, _ in attrs} <= ATTRIBUTES
        self.names.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1], data))
        if "td" in self._open or "th" in self._open:
            self.tables[-1][-1][-1] += data
