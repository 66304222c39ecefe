"""What the contract of templates asks of them."""

from __future__ import annotations

import pytest

from declnet import Registry, RegistryError, Template
from declnet_standard.templates import TableTemplate
from declnet_standard.templates.examples import Binary


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


def test_a_method_with_other_arguments_is_refused_at_registration():
    class Old(Template):
        """An example of another contract."""

        type = "old"

        def spec_for_table(self, table):
            return ""

    with pytest.raises(RegistryError, match=r"takes \(table\), .* called with \(table, registry\)"):
        Registry().register(Old)


@pytest.mark.parametrize(
    ("attribute", "value"), [("default_for", "tables"), ("requires", "scikit-learn")]
)
def test_traits_have_their_types(attribute, value):
    wrong = type("Wrong", (Example,), {attribute: value, "__module__": __name__})
    with pytest.raises(RegistryError, match=f"Wrong.{attribute} is '{value}', but must be"):
        Registry().register(wrong)
