"""Rendering of a page's content to self-contained HTML."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import declnet
from declnet import ResultTable, escaped, table_html
from declnet_plugins.report.drawing import DARK, LIGHT
from declnet_plugins.report.page.charts import CONFIG
from declnet_plugins.report.page.content import Page

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(page: Page) -> str:
    """Return the HTML of a page of one or a few runs."""
    scripts = (
        vega_script().replace("</script", "<\\/script"),
        _joined("theme.js", "print.js", "page.js"),
    )
    return _rendered("page.html", scripts, (), page=page, config=CONFIG)


def render_page(
    template: str, scripts: Sequence[str], styles: Sequence[str], **content: Any
) -> str:
    """Return the HTML of a template with its own script and styles, and the shared styles.

    Args:
        template: its file.
        scripts: files that form one script.
        styles: files that follow the style sheet of all pages.
        content: what the template reads.
    """
    return _rendered(template, (_joined(*scripts),), styles, **content)


def _rendered(template: str, scripts: Sequence[str], styles: Sequence[str], **content: Any) -> str:
    """Return a page that loads nothing.

    Its content security policy lets the browser run only its scripts, by their hashes, and load
    nothing, so names in a spec cannot inject code.
    """
    environment = _environment(scripts)
    style = environment.get_template("page.css").render(light=LIGHT, dark=DARK) + _joined(*styles)
    return environment.get_template(template).render(
        version=declnet.__version__,
        policy=_policy(scripts),
        style=style,
        scripts=scripts,
        **content,
    )


@cache
def vega_script() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script of 0.9 MB; takes a few seconds."""
    from vl_convert import javascript_bundle

    return str(javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def highlighted_toml(text: str) -> str:
    """Return TOML as escaped HTML, each token in a span with a class for the style sheet."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import TOMLLexer

    formatter = HtmlFormatter(nowrap=True, classprefix="toml-")
    return str(highlight(text, TOMLLexer(), formatter))


def _environment(scripts: Sequence[str]) -> Environment:
    """Return what renders templates: text of runs shows control characters as escapes."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    def shown(value: Any) -> Any:
        is_text = isinstance(value, str) and value not in scripts  # which have a hash
        return type(value)(escaped(value)) if is_text else value

    environment = Environment(
        loader=PackageLoader("declnet_plugins.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters["finite"] = _finite
    environment.filters["html"] = _html
    environment.filters["breakable"] = _breakable
    return environment


def _joined(*names: str) -> str:
    return "\n".join(
        (files("declnet_plugins.report.page") / "templates" / name).read_text("utf-8")
        for name in names
    )


def _policy(scripts: Iterable[str]) -> str:
    hashes = (
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _html(table: ResultTable) -> Markup:
    """Return a table as in notebooks."""
    from markupsafe import Markup

    return Markup(table_html(table))  # noqa: S704  # escaped by the core


def _breakable(text: str) -> Markup:
    """Return an escaped name that may wrap after dots and underscores."""
    from markupsafe import Markup, escape

    here = Markup("<wbr>")
    return here.join(escape(part) for part in re.split(r"(?<=[._])", text))


def _finite(value: Any) -> Any:
    """Return the value with null in place of NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
