from __future__ import annotations

from declnet import Finding, Layer, LayerOutline, Outline
from declnet.errors import Problem


def outlined(name, below=None):
    layer = Layer.from_declaration("relu")
    return LayerOutline(name, layer, (below,), ((4,),), (4,))


def test_the_last_layer_is_the_output():
    first = outlined("first")
    second = outlined("second", first)
    outline = Outline((first, second))
    assert outline.last is second
    assert outline.last.inputs == (first,)


def test_an_outline_of_which_nothing_is_known_is_empty():
    outline = Outline()
    assert (outline.layers, outline.last, outline.here) == ((), None, None)
    assert (dict(outline.data), outline.loss, outline.optimizer) == ({}, None, None)


def test_a_finding_is_an_error_of_the_whole_component_unless_it_says_otherwise():
    finding = Finding("this cannot be")
    assert (finding.hint, finding.key) == (None, ())
    assert Problem((), finding.message, code=finding.code).severity == "error"


def test_a_component_finds_nothing_by_default():
    assert list(Layer.from_declaration("relu").check(Outline())) == []
