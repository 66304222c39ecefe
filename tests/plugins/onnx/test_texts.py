"""Texts in the graph: exact results, and cells that the runtime refuses."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.standard.transforms.text import Tokenize

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.categories import OnnxImpute  # noqa: E402
from declnet_plugins.onnx.text import OnnxTokenize  # noqa: E402
from declnet_plugins.onnx.writer import GraphWriter  # noqa: E402


def session_of(translation, component, state, shapes, opset=20):
    writer = GraphWriter(opset)
    x = writer.input("x", "text", ["n"])
    site = TranslationSite(
        "t", (x,), ((),), ("text",), shapes[0], "number", "apply", np.dtype("float32"), writer,
        state=state,
    )  # fmt: skip
    translated = translation().translate(component, site)
    for number, (value, shape) in enumerate(zip(translated, shapes, strict=True)):
        writer.output_value(f"y{number}", value, ["n", *shape])
    if writer.refused:
        writer.output_value("refused", writer.refused[0], ["n", "tokens"])
    content = writer.model("texts", {}, ("tests", "0")).SerializeToString()
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])


def texts(*values):
    return np.array(values, object)


SENTENCES = texts(
    "Hello, World don't stop!",
    "it's 'quoted' text; ok?",
    "a-b c_d  e\tf",
    "''x'' rock'n'roll",
    "\u00c4\u00d6 \u00e4\u00f6 \u201cx\u201d a\u2019b \u2019c",
    "a,b,c,d,e,f,g",
    "...!?",
    "  ",
    "two 2.5% of \u00a33",
)


@pytest.mark.parametrize(("ngrams", "length"), [(1, 5), (2, None), (3, 4)])
def test_weights_match_declnet(ngrams, length):
    tokenize = Tokenize(ngrams=ngrams, weights="tf_idf", min_count=1, length=length)
    state = tokenize.fit(SENTENCES)
    expected = tokenize.apply(SENTENCES, state)
    shapes = (state["length"],), (), (state["length"],)
    session = session_of(OnnxTokenize, tokenize, state, shapes)
    values, lengths, weights = session.run(["y0", "y1", "y2"], {"x": SENTENCES})
    np.testing.assert_array_equal(values, expected.values)
    np.testing.assert_array_equal(lengths, expected.lengths)
    np.testing.assert_allclose(weights, expected.weights, rtol=1e-14)


@pytest.mark.parametrize("cut", ["start", "end"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_words_match_declnet(lowercase, cut):
    tokenize = Tokenize(lowercase=lowercase, cut=cut, min_count=1, max_tokens=30, length=6)
    state = tokenize.fit(SENTENCES)
    expected = tokenize.apply(SENTENCES, state)
    session = session_of(OnnxTokenize, tokenize, state, [(6,), ()])
    values, lengths = session.run(["y0", "y1"], {"x": SENTENCES})
    np.testing.assert_array_equal(values, expected.values)
    np.testing.assert_array_equal(lengths, expected.lengths)


def test_a_symbol_that_was_not_split_off_is_refused():
    tokenize = Tokenize(min_count=1)
    state = tokenize.fit(SENTENCES)
    session = session_of(OnnxTokenize, tokenize, state, [(state["length"],), ()])
    cells = texts("snow \u2603", "snow\u2603")  # alone it is one unknown token
    (refused,) = session.run(["refused"], {"x": cells})
    assert refused.any(axis=1).tolist() == [False, True]


def test_a_gap_is_filled_with_a_text_that_ends_in_nul():
    """Arrays of NumPy with a fixed width cut such texts."""
    session = session_of(OnnxImpute, Impute(), {"value": "a\0"}, [()])
    (filled,) = session.run(None, {"x": texts("", "a", "a\0")})
    assert filled.tolist() == ["a\0", "a", "a\0"]
