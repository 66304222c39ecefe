from __future__ import annotations

import pytest

from declnet.registry.spelling import suggestion


@pytest.mark.parametrize("written", ["dens", "Dense", "DENSE", "densee"])
def test_a_misspelt_name_leads_to_the_closest(written):
    assert suggestion(written, ["relu", "dense"], "layers") == 'did you mean "dense"?'


def test_a_name_far_from_all_leads_to_the_list():
    assert suggestion("zzz", ["relu", "dense"], "layers") == "layers: dense, relu"
    assert suggestion("zzz", [], "layers") == "layers: none"
