"""Which code is mutated, and which mutants stay in the sample."""

from __future__ import annotations

from tests.mutants.mutating import Mutant, mutants_of

SOURCE = '''
"""1 + 1, not changed."""
import os
from typing import TYPE_CHECKING
if TYPE_CHECKING or os.name == "nt":
    LIMIT = 3
WORDS = {"a": "b", "c": f"{1 + 1}"}
def first(x: "1", y=2):
    """Not x."""
    while not x and 0 < y <= 1:
        print(x)
        y = min(x[1:], 2.5) - -x
        if x: continue
    return True if x is None else y
@Routine
def compiled(a):
    return a + 1
'''


def changed(mutant: Mutant) -> str:
    lines = mutant.applied(SOURCE.encode()).decode().splitlines()
    return next(
        new.strip() for new, old in zip(lines, SOURCE.splitlines(), strict=True) if new != old
    )


def test_only_code_that_runs_is_mutated() -> None:
    mutants = list(mutants_of("a.py", SOURCE))
    for mutant in mutants:
        compile(mutant.applied(SOURCE.encode()), "a.py", "exec")
    lines = {changed(mutant) for mutant in mutants if mutant.operator != "number"}
    assert lines == {
        "while (not x or 0 < y <= 1):",
        "while (x) and 0 < y <= 1:",
        "while not x and (0 <= y <= 1):",
        "while not x and (0 < y < 1):",
        "pass",
        "y = (max(x[1:], 2.5)) - -x",
        "y = min(x[:], 2.5) - -x",
        "y = (min(x[1:], 2.5) + -x)",
        "y = min(x[1:], 2.5) - (x)",
        "if (not (x)): continue",
        "if x: break",
        "return False if x is None else y",
        "return True if (x is not None) else y",
    }
    numbers = [mutant for mutant in mutants if mutant.operator == "number"]
    assert [(mutant.function, mutant.is_global) for mutant in numbers] == [
        ("first", True), *[("first", False)] * 4
    ]  # fmt: skip


def test_a_mutant_keeps_its_name_while_its_statement_is_the_same() -> None:
    moved = SOURCE.replace("import os\n", "import os\nZERO = [0 + 0]\n").replace(
        "print(x)", "say(x)"
    )
    names, others = ({one.name for one in mutants_of("a.py", text)} for text in (SOURCE, moved))
    assert len(names - others) == 1
    assert {name.rpartition(" ")[0] for name in others - names} >= {
        "- arithmetic",
        "first removed-call",
    }
