"""The checks of the conformance kit, for each kind of component."""

from __future__ import annotations

from collections.abc import Iterable

from declnet.testing import Check
from declnet.testing.catalogue import CHECKS_BY_KIND, COMMON
from declnet_pages.component_pages import title_of
from declnet_pages.markdown import code, prose, table


def conformance_checks() -> str:
    """Return a table of checks for all components, and one for each kind."""
    parts = ["### All components\n", _table(COMMON)]
    for kind, checks in CHECKS_BY_KIND.items():
        parts += [f"### {title_of(kind)}\n", _table(checks)]
    return "\n".join(parts)


def _table(checks: Iterable[Check]) -> str:
    rows = [(code(check.name), prose(check.summary)) for check in checks]
    return table(("check", "what a passing component does"), rows)
