"""The charting library's script, which every page holds."""

from __future__ import annotations

from functools import cache

from declnet.errors import DeclnetError


class MissingExtraError(DeclnetError):
    """A page needs packages that are not installed."""

    exit_code = 2


def require_packages() -> None:
    """Raises MissingExtraError if the packages of the extra `report` are not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("jinja2", "pygments", "vl_convert") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"a report needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'declnet[report]'"
        )


@cache
def vega_script() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script module of 0.9 MB; takes a few seconds."""
    from vl_convert import javascript_bundle

    return str(javascript_bundle("window.vegaEmbed = vegaEmbed;"))
