"""Parses a text with tree-sitter, and shows the tree's nodes to a visitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from tree_sitter import Language, Node

Syntax = Literal["toml", "json"]
"""The languages that specs are written in."""


class Visitor(Protocol):
    """What goes through a tree, in the order of the text."""

    def enter(self, node: Node) -> bool:
        """Takes a node; whether to go into it, which `leave` ends."""

    def leave(self) -> None:
        """Ends the last node that was gone into."""


def visit_tree(source: bytes, syntax: Syntax, visitor: Visitor) -> None:
    """Shows each node to a visitor, with no recursion, so that depth costs nothing.

    What cannot be parsed is in nodes of type `ERROR`.
    """
    from tree_sitter import Parser

    cursor = Parser(_language(syntax)).parse(source).walk()
    while (node := cursor.node) is not None:
        if visitor.enter(node):
            if cursor.goto_first_child():
                continue
            visitor.leave()
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            visitor.leave()


def _language(syntax: Syntax) -> Language:
    from tree_sitter import Language

    if syntax == "toml":
        import tree_sitter_toml

        return Language(tree_sitter_toml.language())
    import tree_sitter_json

    return Language(tree_sitter_json.language())
