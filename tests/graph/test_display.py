"""A model in a notebook."""

from __future__ import annotations

import declnet

from ..html_views import HtmlView


def test_a_model_is_a_table_of_its_layers(document):
    spec = declnet.parse_spec(document)
    model = declnet.build_model(spec.model, (2,))
    (rows,) = HtmlView(model._repr_html_()).tables
    assert rows[0] == ["layer", "type", "output", "parameters"]
    assert rows[1] == ["input", "", "(n, 2)", ""]
    found = [(each.name, each.type, f"{each.parameters:,}") for each in model.summary()]
    assert [(row[0], row[1], row[3]) for row in rows[2:-1]] == found
    assert rows[-1] == ["total", "", "", f"{len(model.vector()):,}"]
