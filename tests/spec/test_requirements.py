from __future__ import annotations

import pytest

from declnet import Registry, parse_spec
from declnet.spec.requirements import registry_for


def test_installed_distributions_satisfy_requirements(document):
    plugins = ["numpy>=2.0", "declnet", "nosuch; python_version < '3'"]
    assert parse_spec({**document, "plugins": plugins}).plugins == tuple(plugins)


@pytest.mark.parametrize(
    ("plugins", "preferred"),
    [
        (["declnet-wave>=1.2", "Other_Wave"], {"declnet-wave", "other-wave"}),
        (("  declnet-wave [extra] == 1.*",), {"declnet-wave"}),
        (["declnet-wave-", "declnet-wave @ file:///tmp"], {"declnet-wave"}),
        (["declnet-wave; python_version >= '3'", "other; python_version < '3'"], {"declnet-wave"}),
        (["; python_version >= '3'", ">=1", "", 3, None], set()),
        ("declnet-wave", set()),
        (None, set()),
    ],
)
def test_a_spec_prefers_the_distributions_that_it_lists(plugins, preferred):
    """Malformed entries prefer nothing; validation reports them elsewhere."""
    assert registry_for(plugins, Registry()).preferred == preferred
