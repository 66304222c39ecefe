"""`declnet report` and `declnet plot`, in this process to import slow modules only once."""

from __future__ import annotations

import shutil
import sys
import xml.etree.ElementTree as ET

import pytest

from declnet import format_cell, open_group, open_run, pack_run, parse_spec, run
from declnet.cli.main import run_command_line
from declnet_plugins.report.page import assembling
from tests.documents import spec_document


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs of a small spec with different seeds."""
    folder = tmp_path_factory.mktemp("trained")
    for seed, name in enumerate(("one", "two")):
        spec = spec_document(
            [{"type": "dense", "units": 3}, "softmax"],
            optimizer={"type": "sgd", "decay": 0.1},
            name="small",
            seed=seed,
            data={"train": {"type": "nnfs_spiral", "samples": 20, "classes": 3}, "validation": 0.2},
            training={"epochs": 5, "metrics": ["accuracy"]},
        )
        run(parse_spec(spec), out=folder / name)
    return folder


@pytest.fixture
def runs(trained, tmp_path):
    """Copies of the runs in the test's own folder."""
    return shutil.copytree(trained, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def command(runs, monkeypatch, capsys):
    """Run a command line in the folder of the runs; return its exit code and output."""

    def go(*arguments):
        monkeypatch.chdir(runs)
        monkeypatch.setattr(sys, "argv", ["declnet", *arguments])
        return run_command_line(), *capsys.readouterr()

    return go


@pytest.mark.usefixtures("needs_report")
def test_a_pack_is_reported_and_drawn_next_to_it(command, runs, monkeypatch, tmp_path):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    pack_run(runs / "one", runs / "one.declnet")
    assert command("report", "one.declnet") == (0, "report.html\n", "")
    assert command("report", "one", "-o", "folder.html")[0] == 0
    pages = [(runs / name).read_text("utf-8") for name in ("report.html", "folder.html")]
    assert [page.split("<footer")[0] for page in pages] == [pages[0].split("<footer")[0]] * 2
    assert command("plot", "one.declnet", "-o", "one.svg") == (0, "one.svg: drawn\n", "")


@pytest.mark.usefixtures("needs_report")
def test_pages_are_written_to_the_run_the_working_folder_or_a_given_file(command, runs):
    before = {path: path.read_bytes() for path in (runs / "one").iterdir()}
    (runs / "page.html").write_text("old", "utf-8")
    assert command("report", "one", "-o", "page.html") == (0, "page.html\n", "")
    page = (runs / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>small</h1>" in page
    assert "Decision surface" in page
    assert {path: path.read_bytes() for path in (runs / "one").iterdir()} == before
    assert command("report", "one") == (0, "one/report.html\n", "")
    assert "<h1>small</h1>" in (runs / "one" / "report.html").read_text("utf-8")
    assert command("report", "one", "two") == (0, "report.html\n", "")
    assert "2 runs compared" in (runs / "report.html").read_text("utf-8")
    assert command("report", ".", "-o", "folder.html") == (0, "folder.html\n", "")
    assert "2 runs compared" in (runs / "folder.html").read_text("utf-8")


@pytest.mark.usefixtures("needs_report")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "absent"], "absent: there is no such folder"),
        (["report", "empty"], "this is not a run's folder"),
        (
            ["report", "one", "-o", "none/page.html"],
            "none/page.html: there is no folder none; make",
        ),
        (["plot", "one", "two"], "say where to draw several runs, e.g. -o runs.png"),
        (["plot", "one", "-o", "a.pdf"], "ends in .png or .svg"),
        (["plot", "one", "-o", "none/a.png"], "there is no folder none"),
        (["plot", "one", "-o", "empty"], "File 'empty' is a directory"),
        (["plot", "one", "-o", f"{'n' * 300}.png"], "n.png: cannot be written: File name too long"),
        (["plot", "absent"], "there is no such folder"),
    ],
)
def test_usage_errors_are_reported_before_anything_is_drawn(
    command, runs, monkeypatch, arguments, message
):
    (runs / "empty").mkdir()
    monkeypatch.setattr(assembling, "assemble", None)
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("name", ["report", "plot"])
def test_without_the_extra_it_says_what_to_install(command, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    code, out, err = command(name, "one")
    assert (code, out) == (2, "")
    assert "vl_convert" in err
    assert "pip install 'declnet[report]'" in err


def png_size(path):
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return tuple(int.from_bytes(header[at : at + 4], "big") for at in (16, 20))


@pytest.mark.usefixtures("needs_report")
def test_several_runs_are_drawn_in_one_reproducible_chart(command, runs):
    assert command("plot", "one") == (0, "one/plot.png: drawn\n", "")
    width, height = png_size(runs / "one/plot.png")
    assert 1800 < width < 2300
    assert 1500 < height < 2000
    for name, scale in (("a.svg", "log"), ("b.svg", "log"), ("c.PNG", "log"), ("d.svg", "linear")):
        assert command("plot", "one", "two", "-o", name, "--scale", scale)[0] == 0
    assert ET.parse(runs / "a.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    drawn = (runs / "a.svg").read_text("utf-8")
    # one legend, and no CSS variables
    assert (drawn.count(">one train<"), "var(" in drawn) == (1, False)
    assert (runs / "a.svg").read_bytes() == (runs / "b.svg").read_bytes()
    assert (runs / "a.svg").read_bytes() != (runs / "d.svg").read_bytes()
    png_size(runs / "c.PNG")


@pytest.mark.usefixtures("needs_report")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "one: no epoch has been logged"),
        ("[]\n", "one/history.jsonl: cannot be read: line 1: must be an object"),
        (
            '{"epoch": 0}\n{"epoch": "x"}\n',
            'one/history.jsonl: cannot be read: line 2: key "epoch": must be a valid integer',
        ),
        ('{"epoch": 0.5}\n', "one/history.jsonl: cannot be read: line 1: is not a logged epoch"),
        ("x\n", "one/history.jsonl: cannot be read: line 1: "),
    ],
)
def test_an_empty_or_damaged_history_is_reported(command, runs, content, message, renew_checksums):
    (runs / "one/history.jsonl").write_text(content)
    renew_checksums(runs / "one")
    code, out, err = command("plot", "one")
    assert (code, out) == (2, "")
    assert f"error: {message}" in err


@pytest.mark.usefixtures("needs_report")
def test_the_page_of_folds_has_the_metrics_of_all_models_as_one(command, runs):
    spec = {
        **open_run(runs / "one").spec_tables,
        "data": {
            "train": {"type": "nnfs_spiral", "samples": 20, "classes": 3},
            "test": 0.2,
            "folds": 2,
        },
    }
    run(parse_spec(spec), out=runs / "folds")
    assert command("report", "folds")[0] == 0
    page = (runs / "folds/report.html").read_text("utf-8")
    assert "The 2 models of folds together: out of fold, each sample" in page
    ensemble = open_group(runs / "folds")
    for name in ("validation", "test"):
        evaluation = ensemble.evaluate(name)
        title = f"{evaluation.data}, {evaluation.samples} samples"
        accuracies = (evaluation.metrics["accuracy"], evaluation.baseline.metrics["accuracy"])
        cells = "".join(f'<td class="n">{format_cell(value)}</td>' for value in accuracies)
        table = page[page.index(f"<caption>{title}") :]
        assert f'<th scope="row">accuracy</th>{cells}' in table[: table.index("</table>")]
    assert page.index(title) < page.index("<caption>Runs compared")
    (runs / "folds/fold-2/weights.safetensors").unlink()
    assert command("report", "folds")[0] == 0
    page = (runs / "folds/report.html").read_text("utf-8")
    assert "have no metrics" in page
