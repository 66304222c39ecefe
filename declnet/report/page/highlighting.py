"""Colours TOML."""

from __future__ import annotations


def highlighted_toml(text: str) -> str:
    """The text as HTML, escaped, each token in a span whose class the style sheet colours."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import TOMLLexer

    formatter = HtmlFormatter(nowrap=True, classprefix="toml-")
    return str(highlight(text, TOMLLexer(), formatter))
