"""The checks of the conformance kit, for each kind of component."""

from __future__ import annotations

from collections.abc import Iterable

from declnet.testing import Check, checks_for
from declnet.testing.catalogue import COMMON
from declnet.testing.checks import commands
from declnet_pages.component_pages import title_of
from declnet_pages.markdown import code, prose, table
from declnet_pages.public_names import public_contracts


def conformance_checks() -> str:
    """Return a table of checks for all components, and one for each kind."""
    parts = ["### All components\n", _table(COMMON)]
    contracts = {each.kind: each for each in public_contracts().values() if each.conformance_checks}
    for contract in contracts.values():
        own = [check for check in checks_for(contract) if check not in COMMON]
        parts += [f"### {title_of(contract.kind)}\n", _table(own)]
    parts += ["### Commands\n", _table(commands.CHECKS)]
    return "\n".join(parts)


def _table(checks: Iterable[Check]) -> str:
    rows = [(code(check.name), prose(check.summary)) for check in checks]
    return table(("check", "what a passing component does"), rows)
