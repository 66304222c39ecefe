"""Tests of context."""

from __future__ import annotations

from declnet import Diagnostic, Layer, LayerContext, RunContext


def outlined(name, below=None):
    layer = Layer.from_declaration("relu")
    return LayerContext(name, layer, (below,), ((4,),), (4,))


def test_the_last_layer_is_the_output():
    first = outlined("first")
    second = outlined("second", first)
    context = RunContext((first, second))
    assert context.last is second
    assert context.last.inputs == (first,)


def test_an_outline_of_which_nothing_is_known_is_empty():
    context = RunContext()
    assert (context.layers, context.last, context.here) == ((), None, None)
    assert (dict(context.data), context.loss, context.optimizer) == ({}, None, None)


def test_a_finding_is_an_error_of_the_whole_component_unless_it_says_otherwise():
    finding = Diagnostic("this cannot be")
    assert (finding.help, finding.path) == (None, ())
    assert Diagnostic(finding.message, path=(), code=finding.code).severity == "error"


def test_a_component_finds_nothing_by_default():
    assert list(Layer.from_declaration("relu").check(RunContext())) == []
