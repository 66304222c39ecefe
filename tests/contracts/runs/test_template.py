"""What the contract of templates asks of them."""

from __future__ import annotations

import pytest

from declnet import Registry, RegistryError, Template
from declnet_plugins.standard.templates import TableTemplate
from declnet_plugins.standard.templates.examples import Binary


class Example(Template):
    """An example."""

    type = "example"

    def spec(self):
        return "declnet = 1\n"


class ForTables(Template):
    """For tables alone."""

    type = "for_tables"

    def spec_for_table(self, table, registry):
        return "declnet = 1\n"


def test_it_writes_an_example_or_a_spec_for_tables_or_both():
    assert (Example.has_example(), Example.takes_tables()) == (True, False)
    assert (ForTables.has_example(), ForTables.takes_tables()) == (False, True)
    assert (Binary.has_example(), Binary.takes_tables()) == (True, False)
    assert (TableTemplate.has_example(), TableTemplate.takes_tables()) == (True, True)
    for each in (Example, ForTables):
        Registry().register(each)


def test_one_that_writes_nothing_is_refused_at_registration():
    class Nothing(Template):
        """Nothing."""

        type = "nothing"

    with pytest.raises(RegistryError, match=r"neither spec\(\) nor spec_for_table\(\)"):
        Registry().register(Nothing)
