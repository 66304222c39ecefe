"""Skeletons of files, without their names: they are equal unless a name changes the meaning."""

from __future__ import annotations

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def c_skeleton(text: str) -> str:
    """Return C without the contents of string literals, and with `w` for each word and number."""
    assert text.isascii()
    plain = STRING.sub('""', text)
    return re.sub(r"\s+", "", re.sub(r"[\w.]+", "w", plain))


def _is_literal(node: ast.AST) -> bool:
    try:
        ast.literal_eval(node)  # type: ignore[arg-type]
    except ValueError:
        return False
    return True


def python_skeleton(text: str) -> str:
    """Return a module's tree, with one name for all variables and one value for all literals.

    Long literals are constants of the module, so constants count as their values.
    """
    tree = ast.parse(text)
    constants = {
        statement.targets[0].id
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        if _is_literal(statement.value)
    }
    called = {call.func.id for call in ast.walk(tree) if _is_named_call(call)}

    class Plain(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr) and _is_literal(node):
                return ast.Constant("literal")
            return super().generic_visit(node)

        def visit_Name(self, node: ast.Name) -> ast.AST:
            if node.id in constants:
                return ast.Constant("literal")
            return ast.Name(node.id if node.id in called else "name", node.ctx)

        def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
            target = node.targets[0]
            is_constant = isinstance(target, ast.Name) and target.id in constants
            return None if is_constant else super().generic_visit(node)

    return ast.dump(Plain().visit(tree))


def _is_named_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


class HtmlSkeleton(HTMLParser):
    """The elements of a page with the names of their attributes.

    Attributes:
        elements: the start and end tags in order, with attributes except positions and texts.
        islands: the content of each `script` with data, parsed.
        programs: the content of each other `script` and `style`.
        texts: all text outside of these.
    """

    IN_TEXT = (("wbr",), ("span", "class"))
    """Breaks after punctuation, and the colors of TOML with its escapes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.islands: list[Any] = []
        self.programs: list[str] = []
        self.texts: list[str] = []
        self._raw: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        attributes = dict(attrs)
        assert len(attributes) == len(attrs)
        assert not any(name.startswith("on") for name in attributes)
        kind = attributes.get("type", "")
        self._raw = ("data" if "json" in kind else tag) if tag in ("script", "style") else None
        element = (tag, *sorted(attributes))
        if element not in self.IN_TEXT:
            self.elements.append(element)

    def handle_endtag(self, tag: str) -> None:
        self._raw = None
        if tag != "span":
            self.elements.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        if self._raw == "data":
            self.islands.append(json.loads(data))
        else:
            (self.texts if self._raw is None else self.programs).append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", data))


def xml_skeleton(path: Path) -> set[str]:
    """Return the tags of an XML document, which must be well-formed."""
    return {element.tag for element in ET.parse(path).iter()}
