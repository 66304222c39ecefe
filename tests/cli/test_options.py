from __future__ import annotations

import click
import pytest

from declnet.cli.options import parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0..3", (0, 1, 2, 3)),
        ("0,3,7", (0, 3, 7)),
        ("4..5, 1", (4, 5, 1)),
        ("9007199254740992", (2**53,)),
    ],
)
def test_seeds_are_numbers_and_ranges_with_both_ends(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a valid seed; write e.g. 0..9 or 0,3,7"),
        ("1.5", "is not a valid seed"),
        ("9..0", "runs backwards; write 0..9"),
        ("1,2,1", "duplicate seed 1"),
        ("0..99999999", "more than 10000 seeds"),
        ("0..6000,7000..13000", "more than 10000 seeds"),
        ("9007199254740993", "larger than 2^53"),
        ("٣", "is not a valid seed"),
    ],
)
def test_invalid_seeds_are_refused(text, message):
    with pytest.raises(click.BadParameter, match=message.replace("^", r"\^")):
        parse_seeds(text)
