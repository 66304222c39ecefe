"""Autodoc event handlers for declnet's docstrings, signatures and types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from declnet.contracts.strict_model import StrictModel
from declnet_pages.public_names import full_name

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_SPECIAL = re.compile(r"\*(?=\S)|\||_(?=\W|$)")
_ALIAS = re.compile(r"TypeAliasForwardRef\('([^']+)'\)")
"""Sphinx's representation of an alias inside a union."""


def as_restructured_text(text: str) -> str:
    """Convert a docstring with single-backtick code spans to reStructuredText."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return text
    for position, part in enumerate(parts):
        if position % 2:
            parts[position] = f"``{part}``"
        else:
            parts[position] = _SPECIAL.sub(r"\\\g<0>", part)
    return "".join(parts)


def on_docstring(
    _app: Sphinx, what: str, _name: str, _subject: Any, _options: Any, lines: list[str]
) -> None:
    """Rewrite a docstring before napoleon sees it.

    Napoleon treats the text before a colon in an attribute's first line as its type; an empty
    comment as the first line prevents this.
    """
    lines[:] = as_restructured_text("\n".join(lines)).split("\n")
    if what == "attribute":
        lines[:0] = ["..", ""]


def on_signature(
    _app: Sphinx,
    what: str,
    _name: str,
    subject: Any,
    _options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str, str] | None:
    """Clean up a signature; drop it for classes not meant to be called (models, protocols)."""
    if what == "class" and isinstance(subject, type):
        uncalled = issubclass(subject, StrictModel) or getattr(subject, "_is_protocol", False)
        if uncalled:
            return "", ""
    if signature is None:
        return None
    return _ALIAS.sub(r"\1", signature), _ALIAS.sub(r"\1", returned or "")


def on_missing_reference(app: Sphinx, env: BuildEnvironment, node: Any, content: Any) -> Any:
    """Resolve a reference by public name where a signature names the defining module.

    Args:
        app: the build.
        env: the build environment.
        node: the reference, docutils' `pending_xref`.
        content: the reference's content.

    Returns:
        A link, or None if the target has no public name.
    """
    target = str(node.get("reftarget", ""))
    public = full_name(target.rpartition(".")[2])
    if node.get("refdomain") != "py" or public in (None, target):
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], public, node, content
    )
