from __future__ import annotations

from declnet.spec.streams import Stream


def test_the_numbers_of_streams_never_change():
    """The corpus has the numbers that are drawn from most of them."""
    names = (
        "DATA SHUFFLE INITIALIZATION LAYER SPLIT AUGMENTATION ADAPTATION ANALYSIS SAMPLE SYNTHETIC"
    )
    assert {each.name: int(each) for each in Stream} == {
        name: number for number, name in enumerate(names.split())
    }
