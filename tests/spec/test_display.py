"""A spec in a notebook: each value once, with its origin."""

from __future__ import annotations

import declnet
from declnet.spec import display
from declnet.spec.display import shown_document
from declnet.spec.shown_values import shown

from ..html_views import HtmlView

SPEC = """\
declnet = 1
loss = "mean_squared_error"

[variables]
width = 7

[optimizer]
type = "adam"
epsilon = 1e-5
beta_2 = 0.99

[training]
epochs = 3

[[model.layers]]
type = "conv2d"
filters = "${width}"
kernel_size = 3
padding = 1
name = "{name}"
"""


def scalars(values):
    """Return the keys and values of all tables, with nested tables last."""
    nested = []
    for key, value in values.items():
        is_list = isinstance(value, list) and value and isinstance(value[0], dict)
        if is_list or isinstance(value, dict):
            nested += value[:3] if is_list else [value]
        else:
            yield [key, shown(value)]
    for value in nested:
        yield from scalars(value)


def test_each_value_is_shown_once_with_its_origin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(display, "MOST_ITEMS", 3)
    layers = '[[model.layers]]\ntype = "relu"\n' * 3
    (tmp_path / "spec.toml").write_text(SPEC.replace("{name}", "long_" * 30) + layers)
    spec = declnet.load_spec("spec.toml", {"training.epochs": 4})
    view = HtmlView(spec._repr_html_())
    rows = [row for table in view.tables for row in table]
    assert [row[:2] for row in rows] == [*scalars(shown_document(spec))]
    origins = {(key, value): origin for key, value, origin in rows}
    assert origins["type", '"mean_squared_error"'] == "spec.toml:2"
    assert origins["epsilon", "1e-05"] == "spec.toml:9"
    assert origins["filters", "7"] == "spec.toml:17, spec.toml:5"
    assert origins["epochs", "4"] == "--set"
    assert origins["beta_1", "0.9"] == "default"
    assert "… and 1 more" in view.text
    assert "beta_2 = 0.99, epsilon = 1e-05" in view.inside("span")
    (gist,) = (text for text in view.inside("span") if "filters = 7" in text)
    assert (len(gist), gist[-1]) == (100, "…")
