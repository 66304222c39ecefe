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


WEIGHTED = [
    {"weights": "tf_idf", "ngrams": ngrams, "length": length}
    for ngrams, length in ((1, 5), (2, None), (3, 4))
]
CUT = [
    {"lowercase": lowercase, "cut": cut, "max_tokens": 30, "length": 6}
    for lowercase in (True, False)
    for cut in ("start", "end")
]


@pytest.mark.parametrize("fields", [*WEIGHTED, *CUT], ids=str)
def test_words_and_weights_match_declnet(fields):
    tokenize = Tokenize(min_count=1, **fields)
    state = tokenize.fit(SENTENCES)
    expected = tokenize.apply(SENTENCES, state)
    shapes = [(state["length"],), (), (state["length"],)][: 3 if fields in WEIGHTED else 2]
    session = session_of(OnnxTokenize, tokenize, state, shapes)
    names = [f"y{number}" for number in range(len(shapes))]
    values, lengths, *weights = session.run(names, {"x": SENTENCES})
    np.testing.assert_array_equal(values, expected.values)
    np.testing.assert_array_equal(lengths, expected.lengths)
    if weights:
        np.testing.assert_allclose(weights[0], expected.weights, rtol=1e-14)


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
