from __future__ import annotations

from declnet.errors import Problem
from declnet.spec.consequences import without_consequences

MISSPELT = Problem(("a", "unit"), 'unknown key "unit"', 'did you mean "units"?', "E010", "key")
MISSING = Problem(("a", "units"), '"units" is missing', None, "E011")


def test_a_missing_key_that_is_only_misspelt_is_told_once():
    assert without_consequences([MISSING, MISSPELT]) == [MISSPELT]


def test_other_missing_keys_are_told():
    elsewhere = Problem(("b", "units"), '"units" is missing', None, "E011")
    other = Problem(("a", "rate"), '"rate" is missing', None, "E011")
    assert without_consequences([elsewhere, other, MISSPELT]) == [elsewhere, other, MISSPELT]
