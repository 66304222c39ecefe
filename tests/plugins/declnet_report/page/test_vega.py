from __future__ import annotations

import importlib.util
import json

import pytest
import vl_convert

from declnet_report.page.rendering import MissingExtraError, require_packages, vega_script


def test_the_script_cannot_end_its_element_early():
    assert "</script" not in vega_script()
    assert len(vega_script()) < 1_000_000


def test_missing_packages_are_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "vl_convert" else found(name)
    )
    with pytest.raises(MissingExtraError, match=r"vl_convert\): pip install 'declnet\[report\]'"):
        require_packages()


def test_every_chart_is_right_vega_lite(page):
    for script in page.root.all("script", class_="chart-spec"):
        spec = json.loads(script.content()) | {"width": 300}
        spec["$schema"] = "https://vega.github.io/schema/vega-lite/v6.json"
        drawn = vl_convert.vegalite_to_svg(spec)
        assert drawn.count("role-mark") >= len(spec.get("layer", [1]))
