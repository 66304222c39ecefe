"""Variables: replaced by their values with their types, escaped, checked, and located."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import SpecError, load_spec
from declnet.spec.document.variables import literal_value, substituted


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("$${x}", "${x}"),
        ("$$${x}", "$${x}"),
        ("a ${y} b", "a ${y} b"),
        ("a $${x} b", "a $${x} b"),
        ("$x", "$x"),
        ("${x", "${x"),
    ],
)
def test_a_dollar_sign_escapes_a_string_that_would_be_a_variable(text, meaning):
    result = substituted({"variables": {"z": 1}, "a": text, "b": "${z}"})
    assert (result.document, result.diagnostics) == ({"a": meaning, "b": 1}, ())
    assert substituted({"a": text}).document == {"a": meaning}


TEXTS = st.text(alphabet="$${}x ", max_size=8)


@given(st.recursive(TEXTS, lambda values: st.lists(values) | st.dictionaries(TEXTS, values)))
@settings(max_examples=50)
def test_substitution_restores_an_escaped_document(value):
    result = substituted(literal_value({"a": value}))
    assert (result.document, result.diagnostics) == ({"a": value}, ())


def test_large_variables_cannot_exhaust_memory(files):
    numbers = f"[{', '.join(['1'] * 50_000)}]"
    text = BASE.replace("width = 4", f"width = 4\nmuch = {numbers}")
    uses = '"${much}", ' * 20
    files(top=text.replace("layers = [", f"layers = [{uses}"))
    with pytest.raises(SpecError) as caught:
        load_spec("top.toml")
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.line) == ("E013", 9)


BASE = """declnet = 1
[variables]
width = 4
rate = 0.1
[data]
train = { type = "nnfs_spiral", samples = 9, classes = 3 }
[model]
layers = [{ type = "dense", units = "${width}" }, "relu", { type = "dense", units = 3 }, "softmax"]
[loss]
type = "categorical_crossentropy"
[optimizer]
type = "sgd"
learning_rate = "${rate}"
[training]
epochs = 2
"""


def test_files_and_overrides_change_variables(files):
    files(base=BASE, top='extends = "base.toml"\n[variables]\nwidth = 7\n')
    assert load_spec("top.toml").model.layers[0].units == 7
    changed = load_spec("top.toml", {"variables.width": 5, "variables.rate": 0.5})
    assert (changed.model.layers[0].units, changed.optimizer.learning_rate) == (5, 0.5)


def test_a_variable_whose_use_is_overridden_is_not_unused(files):
    files(base=BASE, top='extends = "base.toml"\noptimizer = "adam"\n')
    assert load_spec("top.toml").optimizer.type == "adam"
    assert load_spec("base.toml", {"optimizer.learning_rate": 1.0}).optimizer.learning_rate == 1.0


def test_variables_may_be_in_a_base_that_cannot_be_read(files, reported):
    text = BASE.replace("declnet = 1", 'extends = "missing.toml"').replace("width = 4", "depth = 4")
    files(top=text)
    assert [code for _, code, _ in reported()] == ["E006"]


def test_a_path_is_relative_to_the_file_that_defines_the_variable(files, tmp_path):
    files(top='extends = "sub/base.toml"\n', sub__base=BASE)
    base = (tmp_path / "sub" / "base.toml").read_text("utf-8")
    base = base.replace("width = 4", 'width = 4\nfile = "w.safetensors"')
    base = base.replace("[model]", '[model]\ninitial_weights = "${file}"')
    (tmp_path / "sub" / "base.toml").write_text(base, "utf-8")
    assert load_spec("top.toml").model.initial_weights == tmp_path / "sub" / "w.safetensors"
