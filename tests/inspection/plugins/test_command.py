"""`declnet plugins show`: unknown types, and types of several kinds."""

from __future__ import annotations

import re

import pytest

from ...distributions import write_metadata


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["dence"], 'no component has the type "dence" (did you mean "dense"?)'),
        (["dence", "--kind", "layer"], 'layer type "dence" is not installed (did you mean "dense"'),
        (["dense", "--kind", "loss"], 'loss type "dense" is not installed ("dense" is a layer; '),
    ],
)
def test_an_unknown_type_is_refused_with_a_hint(refused, arguments, error):
    assert refused("plugins", "show", *arguments).startswith(f"error: {error}")


def test_a_type_of_several_kinds_is_shown_for_each(declnet_cli):
    heading = re.compile(r'^(\w+) "constant"$', re.MULTILINE)
    kinds = heading.findall(declnet_cli.succeeds("plugins", "show", "constant"))
    assert {"initializer", "schedule"} <= {*kinds}
    for kind in kinds:
        shown = declnet_cli.succeeds("plugins", "show", "constant", "--kind", kind)
        assert heading.findall(shown) == [kind]


def test_a_broken_plugin_cannot_override_the_command_that_shows_it(broken_distribution):
    listed = broken_distribution.succeeds("plugins")
    assert "kaputt" in listed.partition("broken plugins")[2]
    assert re.search(r"^  plugins +Show, check", broken_distribution.succeeds("--help"), re.M)


@pytest.fixture
def broken_distribution(tmp_path, command_in):
    """The command line with a broken plugin that also defines a command `plugins`."""
    entry_points = {
        "declnet": {"odd": "declnet_odd"},
        "declnet.commands": {"plugins": "declnet_odd:plugins"},
    }
    write_metadata(tmp_path, "declnet-odd", "1.0", entry_points)
    (tmp_path / "declnet_odd.py").write_text("raise ValueError('kaputt')\n")
    return command_in(tmp_path, tmp_path)
