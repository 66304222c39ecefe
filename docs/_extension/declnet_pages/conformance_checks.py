"""The checks of the conformance kit, for each kind of component."""

from __future__ import annotations

from collections.abc import Iterable

import declnet
from declnet.testing import Check, checks_for
from declnet.testing.catalogue import COMMON
from declnet_pages.component_pages import title_of
from declnet_pages.markdown import code, prose, table


def conformance_checks() -> str:
    """Return a table of checks for all components, and one for each kind."""
    parts = ["### All components\n", _table(COMMON)]
    for contract in _contracts():
        own = [check for check in checks_for(contract) if check not in COMMON]
        parts += [f"### {title_of(contract.kind)}\n", _table(own)]
    return "\n".join(parts)


def _contracts() -> Iterable[type[declnet.Component]]:
    """Yield the public contracts with checks, one for each kind."""
    public = [getattr(declnet, name) for name in declnet.__all__]
    contracts = {
        value.kind: value
        for value in public
        if isinstance(value, type)
        and issubclass(value, declnet.Component)
        and value.conformance_checks
    }
    return contracts.values()


def _table(checks: Iterable[Check]) -> str:
    rows = [(code(check.name), prose(check.summary)) for check in checks]
    return table(("check", "what a passing component does"), rows)
