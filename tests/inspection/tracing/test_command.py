"""`declnet trace`: its formats, choices, exit codes and errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ...distributions import write_metadata
from ...hostile_names.skeletons import HtmlSkeleton

PLUGIN = '''
import numpy as np
from declnet import Layer, Parameter, Regularizer, hookimpl


class Tilted(Layer):
    """y = x * slopes + sum(slopes) <b>& more</b>."""

    type = "tilted"
    wrong: float = 1.0

    def parameters(self, input_shape):
        return {"slopes": Parameter(input_shape, {"type": "constant", "value": 1.5}, role="scale")}

    def forward(self, x, y, state):
        np.multiply(x, state.slopes, out=y)
        np.add(y, np.sum(state.slopes), out=y)

    def backward(self, x, y, dy, dx, state):
        """dslopes = sum(dy * x) + sum(dy), dx = dy * slopes."""
        np.add(np.sum(dy * x, axis=0), np.sum(dy), out=state.grad.slopes)
        if dx is not None:
            np.multiply(dy, self.wrong * state.slopes, out=dx)


class Quartic(Regularizer):
    type = "quartic"
    wrong: float = 1.0

    def penalty(self, w):
        return float(np.sum(w**4))

    def add_gradient(self, w, dw):
        dw += self.wrong * 4 * w**3


@hookimpl
def declnet_register(register):
    register(Tilted)
    register(Quartic)
'''


@pytest.fixture
def tilted(tmp_path: Path, document: dict[str, Any], command_in: Any) -> Any:
    """The command line with a third party's layer and regularizer, and a spec that uses them."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "declnet_tilted.py").write_text(PLUGIN, "utf-8")
    write_metadata(site, "declnet-tilted", "1.0", {"declnet": {"tilted": "declnet_tilted"}})
    document["model"]["layers"][0] |= {"weight_regularizer": {"type": "quartic"}}
    document["model"]["layers"].insert(1, {"type": "tilted", "name": "<i>tilt</i>"})
    (tmp_path / "spec.json").write_text(json.dumps(document), "utf-8")
    return command_in(tmp_path, site)


def test_third_party_components_are_traced(tilted: Any) -> None:
    shown = tilted.succeeds("trace", "spec.json", "--layer", "<i>tilt</i>", "--verify")
    assert "y = x * slopes + sum(slopes) <b>& more</b>." in shown
    assert "dslopes = sum(dy * x) + sum(dy), dx = dy * slopes." in shown
    assert "dslopes: 4 of 4 elements compared" in shown
    assert "dense_2" not in shown.partition("BACKWARD")[0]
    data = json.loads(tilted.succeeds("trace", "spec.json", "--format", "json"))
    layer = data["layers"][1]
    slopes = np.array(layer["parameters"]["slopes"]["before"])
    np.testing.assert_allclose(layer["y"], np.array(layer["x"][0]) * slopes + slopes.sum())
    weights = data["layers"][0]["parameters"]["weights"]
    assert weights["penalty"] == pytest.approx(np.sum(np.array(weights["before"]) ** 4))
    assert "central_differences" not in layer


@pytest.mark.parametrize(
    ("key", "named", "wrong"),
    [
        ("model.layers.1.wrong=1.01", "<i>tilt</i> (tilted)", "dense_1"),
        (
            "model.layers.0.weight_regularizer.wrong=0.5",
            "the regularizer of dense_1.weights (quartic)",
            "dense_1.weights",
        ),
    ],
)
def test_a_wrong_gradient_is_reported_with_exit_code_1(
    tilted: Any, key: str, named: str, wrong: str
) -> None:
    done = tilted("trace", "spec.json", "--verify", "--format", "json", "--set", key)
    verification = json.loads(done.stdout)["verification"]
    assert done.returncode == 1
    assert wrong in verification["wrong"]
    assert verification["suspects"] == [named]
    last = done.stderr.splitlines()[-1]
    assert last == f"The error is in the backward pass of {named}."


def test_the_page_is_self_contained_and_escaped(tilted: Any) -> None:
    shown = tilted.succeeds("trace", "spec.json", "--format", "html", "-o", "step.html")
    assert shown == "step.html\n"
    page = HtmlSkeleton((tilted.folder / "step.html").read_text("utf-8"))
    assert not {"script", "link", "img", "i", "b"} & {tag for tag, *_ in page.elements}
    assert not {"src", "href"} & {name for _, *names in page.elements for name in names}
    shown = " ".join(page.texts)
    assert "<i>tilt</i>: tilted (wrong = 1.0)" in shown
    assert "sum(slopes) <b>& more</b>." in shown
    text = tilted.succeeds("trace", "spec.json")
    numbers = re.findall(r"-?\d\.\d{4}(?!\d)", text)
    assert set(numbers) <= set(re.findall(r"-?\d\.\d{4}(?!\d)", shown))


def test_a_run_and_its_spec(declnet_cli: Any, spec_file: Any, document: Any, refused: Any) -> None:
    spec_file(document)
    declnet_cli.succeeds("run", "spec.json", "--quiet", "--out", "run")
    first = declnet_cli.succeeds("trace", "run", "--step", "1")
    assert first == declnet_cli.succeeds("trace", "spec.json", "--step", "1")
    assert "update 2 of 3" in first
    finished = declnet_cli.succeeds("trace", "run")
    assert "The parameters are the weights saved in run, without the optimizer's state" in finished
    assert "error: --set changes a spec" in refused("trace", "run", "--set", "seed=2").lower()


def test_errors(declnet_cli: Any, spec_file: Any, document: Any, refused: Any, tmp_path) -> None:
    spec_file(document)
    for options, said in (
        (["--layer", "dence_1"], 'there is no layer "dence_1" (did you mean "dense_1"?)'),
        (["--step", "3"], "step 3 is beyond the training of 3 updates"),
        (["--samples", "31"], "the batch has 30 samples, not 31"),
        (["-o", "none/step.txt", "--step", "3"], "none/step.txt: there is no folder none"),
    ):
        assert refused("trace", "spec.json", *options).startswith(f"error: {said}")
    assert "0 is not in the range x>=1" in refused("trace", "spec.json", "--samples", "0")
    (tmp_path / "empty").mkdir()
    assert "not a run's folder" in refused("trace", "empty")
    done = declnet_cli("trace", "spec.json", "--set", "optimizer.learning_rate=1e300", "--step", 2)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
