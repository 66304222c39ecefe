"""What the contract of templates asks of them."""

from __future__ import annotations

import pytest

from declnet import Registry, RegistryError, Template


def test_one_that_writes_nothing_is_refused_at_registration():
    class Nothing(Template):
        """Nothing."""

        type = "nothing"

    with pytest.raises(RegistryError, match=r"neither spec\(\) nor spec_for_table\(\)"):
        Registry().register(Nothing)
