"""From a page's content to its HTML, with all that it needs in it."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import declnet
from declnet.registry.registry import Registry
from declnet.report.page.assembling import assemble
from declnet.report.page.charts.style import CONFIG
from declnet.report.page.content import Page
from declnet.report.page.palette import DARK, LIGHT
from declnet.report.page.vega import require_packages, vega_script
from declnet.runs.reading import StoredRun

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def report_page(runs: Sequence[StoredRun], registry: Registry) -> str:
    """The page of one run or several, as HTML.

    Raises:
        MissingExtraError: the packages of the extra `report` are not installed.
    """
    require_packages()
    return render(assemble(runs, registry))


def render(page: Page) -> str:
    """The HTML of a page.

    A content security policy in it lets the browser run its own two scripts, told by their hashes,
    and load nothing at all: whatever a name in a spec holds, and wherever the file is opened.
    """
    environment = _environment()
    scripts = (vega_script().replace("</script", "<\\/script"), _resource("page.js"))
    style = environment.get_template("page.css").render(light=LIGHT, dark=DARK)
    return environment.get_template("page.html").render(
        page=page,
        version=declnet.__version__,
        policy=_policy(scripts),
        style=style,
        scripts=scripts,
        config=CONFIG,
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("declnet.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters["finite"] = _finite
    environment.filters["breakable"] = _breakable
    return environment


def _resource(name: str) -> str:
    return (files("declnet.report.page") / "templates" / name).read_text("utf-8")


def _policy(scripts: Iterable[str]) -> str:
    hashes = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _breakable(text: str) -> Markup:
    """A name, escaped, that may break into lines behind its dots and underscores."""
    from markupsafe import Markup, escape

    here = Markup("<wbr>")
    return here.join(escape(part) for part in re.split(r"(?<=[._])", text))


def _finite(value: Any) -> Any:
    """The same with null for what is NaN or infinite, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
