"""The checks of the conformance kit, in tables that pages of kinds hold, and how they are updated.

A page has a table between the lines `<!-- checks of KIND -->` and `<!-- end -->`, so that readers
of the plain file see it; KIND is `all kinds` for what several kinds have in common.
`python -m declnet_pages.conformance_checks` updates all pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from declnet.testing import Check, checks_for
from declnet.testing.catalogue import COMMON
from declnet.testing.checks import commands
from declnet_pages.code_blocks import written_pages
from declnet_pages.markdown import code, prose, table
from declnet_pages.public_names import public_contracts

TABLE = re.compile(
    r"^(<!-- checks of (?P<kind>[\w ]+) -->\n).*?^(<!-- end -->)$", re.MULTILINE | re.DOTALL
)


def with_current_checks(page: str) -> str:
    """Return the text of a page with up-to-date tables of checks."""
    kinds = {contract.kind: checks_for(contract) for contract in public_contracts().values()}
    kinds["command"] = commands.CHECKS
    uses = Counter(check for checks in kinds.values() for check in checks)
    shared = [check for check, count in uses.items() if count > 1 and check not in COMMON]

    def checks_of(kind: str) -> str:
        if kind == "all kinds":
            return f"All kinds:\n\n{_table(COMMON)}\nSeveral kinds:\n\n{_table(shared)}"
        return _table([check for check in kinds[kind] if uses[check] == 1])

    return TABLE.sub(lambda match: f"{match[1]}\n{checks_of(match['kind'])}\n{match[3]}", page)


def _table(checks: Iterable[Check]) -> str:
    rows = [(code(check.name), prose(check.summary)) for check in checks]
    return table(("check", "what a passing component does"), rows) if rows else ""


if __name__ == "__main__":
    for file in written_pages(Path(__file__).parents[2]):
        text = file.read_text("utf-8")
        file.write_text(with_current_checks(text), "utf-8")
