from __future__ import annotations

from declnet.errors import Diagnostic
from declnet.spec.consequences import without_consequences

MISSPELT = Diagnostic(
    'unknown key "unit"', 'did you mean "units"?', ("a", "unit"), "E010", focus="key"
)
MISSING = Diagnostic('"units" is missing', None, ("a", "units"), "E011")


def test_a_missing_key_that_is_only_misspelt_is_told_once():
    assert without_consequences([MISSING, MISSPELT]) == [MISSPELT]


def test_other_missing_keys_are_told():
    elsewhere = Diagnostic('"units" is missing', None, ("b", "units"), "E011")
    other = Diagnostic('"rate" is missing', None, ("a", "rate"), "E011")
    assert without_consequences([elsewhere, other, MISSPELT]) == [elsewhere, other, MISSPELT]
