"""The progress of a run: log lines, and a view that a real kernel updates."""

from __future__ import annotations

import json
import re

import pytest

import declnet

from ...html_views import HtmlView

CELLS = [
    "import json, declnet\ndocument = json.load(open('spec.json'))",
    "result = declnet.run(document, progress=True)",
    "result",
    "result.model",
    "declnet.parse_spec(document)",
    "declnet.run(document | {'optimizer': 'adma'})",
    "print(1 + 1)",
]


def test_lines_are_the_same_as_on_the_command_line(document, capsys, tmp_path):
    document["training"] = {"epochs": 3}
    events = []
    result = declnet.run(document, out=tmp_path / "run", listener=events.append, progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert [re.match(r"epoch: (\d+), loss: ", line)[1] for line in lines] == ["0", "1", "2"]
    assert len([event for event in events if isinstance(event, declnet.EpochLogged)]) == 3
    declnet.run(document)
    assert capsys.readouterr().out == ""
    assert declnet.resume(result.directory, progress=True).metrics == result.metrics


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return a notebook executed by a kernel, and the outputs of each cell."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    folder = tmp_path_factory.mktemp("notebook")
    document = {
        "name": "noted",
        "data": {"train": {"type": "nnfs_spiral", "samples": 50, "classes": 3}},
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 40, "metrics": ["accuracy"]},
    }
    (folder / "spec.json").write_text(json.dumps(document), "utf-8")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    client = nbclient.NotebookClient(
        book, allow_errors=True, timeout=60, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return [cell["outputs"] for cell in book.cells]


def html_of(outputs):
    (output,) = outputs
    return HtmlView(output["data"]["text/html"])


def test_a_kernel_shows_the_last_state_of_the_run(executed):
    (shown,) = executed[1]
    assert shown["output_type"] == "display_data"
    view = html_of(executed[1])
    assert "noted, finished: epoch 40 of 40" in view.text
    assert "accuracy" not in shown["data"]["text/plain"]
    assert "acc 0." in shown["data"]["text/plain"]
    assert view.names.count("progress") == 1
    assert view.names.count("polyline") == 1


def test_a_kernel_shows_results_models_and_specs(executed):
    assert "40 epochs" in html_of(executed[2]).text
    assert "softmax_1" in html_of(executed[3]).text
    assert "categorical_crossentropy" in html_of(executed[4]).text


def test_an_error_in_a_cell_is_its_diagnostics(executed):
    (error,) = executed[5]
    text = re.sub(r"\x1b\[\d+m", "", "\n".join(error["traceback"]))
    assert error["ename"] == "SpecError"
    assert 'error[E015]: optimizer type "adma" is not installed' in text
    assert "line 1: declnet.run(document |" in text
    assert executed[6][0]["text"] == "2\n"
