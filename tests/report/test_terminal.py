from __future__ import annotations

import pytest

from declnet.report.terminal import print_table, shown_bytes


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (3 * 2**20, "3.0 MiB"),
        (5 * 2**30, "5.00 GiB"),
        (2**50, "1048576.00 GiB"),
    ],
)
def test_sizes_are_shown_in_their_unit(count, shown):
    assert shown_bytes(count) == shown


def test_outside_a_terminal_nothing_is_cut_wrapped_or_padded(capsys):
    long = "x" * 5000
    print_table("things", ("name", "[bold]"), [("a", long), ("[red]b", "1")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in lines] == lines
    assert any(line.endswith(long) for line in lines)
    assert any("[red]b" in line for line in lines)
