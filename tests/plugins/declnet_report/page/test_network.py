from __future__ import annotations

from xml.etree import ElementTree as ET

from declnet_report.page.network import Label, draw, lay_out


def test_names_are_escaped_and_cut_but_whole_in_the_title():
    name = "<b>&" + "a" * 60
    layout = lay_out([[0]])
    drawing = draw(layout, [Label("input", "2"), Label(name, "dense", "7")], 'a "graph" <of> it')
    root = ET.fromstring(drawing)
    assert root.attrib["aria-label"] == 'a "graph" <of> it'
    titles = [each.text for each in root.iter("title")]
    assert titles == ["input: 2", f"{name}: dense, 7 parameters"]
    shown = [each.text for each in root.iter("text")]
    assert any(each and each.startswith("<b>&a") and each.endswith("…") for each in shown)
    assert max(len(each or "") for each in shown) < 30
