from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from declnet_plugins.report.page.network import (
    BOX,
    BOX_HEIGHT,
    RANK_GAP,
    Label,
    draw,
    lay_out,
)


def test_names_are_escaped_and_cut_but_whole_in_the_title():
    name = "<b>&" + "a" * 60
    layout = lay_out([[0]])
    drawing = draw(layout, [Label("input", "2"), Label(name, "dense", "7")], 'a "graph" <of> it')
    root = ET.fromstring(drawing)
    assert root.attrib["aria-label"] == 'a "graph" <of> it'
    titles = [text.text for text in root.iter("title")]
    assert titles == ["input: 2", f"{name}: dense, 7 parameters"]
    shown = [text.text for text in root.iter("text")]
    assert any(text and text.startswith("<b>&a") and text.endswith("…") for text in shown)
    assert max(len(text or "") for text in shown) < 30


@st.composite
def networks(draw):
    """Draw the inputs of up to twelve layers, each one to three of the values above it."""
    layers = draw(st.integers(1, 12))
    return [
        draw(st.lists(st.integers(0, index), min_size=1, max_size=3)) for index in range(layers)
    ]


@given(networks())
def test_layers_are_apart_and_below_their_inputs(inputs):
    layout = lay_out(inputs)
    assert len(layout.boxes) == len(inputs) + 1
    for index, (x, top) in enumerate(layout.boxes):
        assert BOX / 2 - 1e-6 <= x <= layout.width - BOX / 2 + 1e-6
        assert 0 <= top <= layout.height - BOX_HEIGHT
        for other_x, other_top in layout.boxes[index + 1 :]:
            assert other_top != top or abs(other_x - x) >= BOX
    for index, values in enumerate(inputs):
        for value in values:
            distance = layout.boxes[index + 1][1] - layout.boxes[value][1]
            assert distance >= BOX_HEIGHT + RANK_GAP


@given(networks())
def test_connections_go_down_and_avoid_the_layers(inputs):
    layout = lay_out(inputs)
    assert len(layout.connections) == sum(len(set(values)) for values in inputs)
    for points in layout.connections:
        heights = [y for _, y in points]
        assert heights == sorted(heights)
        if len(points) == 2:
            continue
        _, (x, first), (same, last), _ = points
        assert x == same
        for box, top in layout.boxes:
            if first <= top and top + BOX_HEIGHT <= last:
                assert abs(box - x) > BOX / 2
