from __future__ import annotations

import re
from pathlib import Path

from declnet.spec.streams import Stream


def test_the_numbers_of_streams_never_change():
    """The numbers that most streams draw are in the corpus."""
    names = (
        "DATA SHUFFLE INITIALIZATION LAYER SPLIT AUGMENTATION ADAPTATION ANALYSIS SAMPLE SYNTHETIC"
    )
    assert {stream.name: int(stream) for stream in Stream} == {
        name: number for number, name in enumerate(names.split())
    }


def test_the_docs_list_the_number_of_each_stream():
    page = Path(__file__).parents[2] / "docs" / "explanation" / "reproducibility.md"
    _, _, table = page.read_text("utf-8").partition("| stream | number | index |")
    numbers = re.findall(r"^\|[^|\n]+\| (\d+) \|", table, re.MULTILINE)
    assert [*map(int, numbers)] == [*map(int, Stream)]
