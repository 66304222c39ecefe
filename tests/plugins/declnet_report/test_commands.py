"""`declnet report` and `declnet plot`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from declnet import parse_spec, run


@pytest.fixture
def reported(declnet_cli, spec_file, document):
    declnet_cli.succeeds("run", spec_file(document), "--quiet", "--out", "one")
    return "one"


def test_pages_lie_where_the_user_wants_them(declnet_cli, reported, tmp_path):
    before = {path: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    (tmp_path / "page.html").write_text("old", "utf-8")
    assert declnet_cli.succeeds("report", reported, "-o", "page.html") == "page.html\n"
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>small</h1>" in page
    assert "Decision surface" in page
    assert {path: path.read_bytes() for path in (tmp_path / "one").iterdir()} == before


def test_without_a_wish_they_lie_with_the_run_or_in_the_working_folder(
    declnet_cli, reported, tmp_path
):
    assert declnet_cli.succeeds("report", reported) == "one/report.html\n"
    assert "<h1>small</h1>" in (tmp_path / "one" / "report.html").read_text("utf-8")
    assert declnet_cli.succeeds("report", reported, reported) == "report.html\n"
    assert "2 runs compared" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["absent"], 2, "absent: there is no such folder"),
        (["."], 2, "this is not a run's folder"),
        ([], 2, "Missing argument"),
        (["one", "-o", "absent/page.html"], 1, "absent/page.html: cannot be written: No such file"),
    ],
)
def test_what_cannot_be_reported_is_said(declnet_cli, reported, arguments, status, message):
    done = declnet_cli("report", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_it_says_what_to_install(reported, tmp_path):
    code = (
        "import sys; sys.modules['vl_convert'] = None; sys.argv = ['declnet', 'report', 'one']\n"
        "from declnet.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "vl_convert" in done.stderr
    assert "pip install 'declnet[report]'" in done.stderr
    assert "Traceback" not in done.stderr


def png_size(path):
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return tuple(int.from_bytes(header[at : at + 4], "big") for at in (16, 20))


@pytest.fixture
def runs(document, tmp_path):
    document["data"]["validation"] = 0.2
    document["optimizer"]["decay"] = 0.1
    for name in ("one", "two"):
        run(parse_spec(document), out=tmp_path / name)
        document["seed"] += 1
    return tmp_path


@pytest.fixture
def needs_matplotlib():
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")


@pytest.mark.usefixtures("needs_matplotlib")
def test_one_run_is_drawn_into_its_folder(declnet_cli, runs):
    assert declnet_cli.succeeds("plot", "one") == "one/plot.png: drawn\n"
    width, height = png_size(runs / "one/plot.png")
    assert 1500 < width < 2000
    assert 400 < height < 700
    assert (runs / "one/plot.png").stat().st_size > 20_000


@pytest.mark.usefixtures("needs_matplotlib")
def test_several_runs_are_drawn_over_each_other_and_twice_the_same(declnet_cli, runs):
    declnet_cli.succeeds("plot", "one", "two", "-o", "a.svg", "--scale", "log")
    root = ET.parse(runs / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    declnet_cli.succeeds("plot", "one", "two", "-o", "b.svg", "--scale", "log")
    assert (runs / "a.svg").read_bytes() == (runs / "b.svg").read_bytes()
    declnet_cli.succeeds("plot", "one", "two", "--output", "c.PNG")
    png_size(runs / "c.PNG")


@pytest.mark.usefixtures("needs_matplotlib")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one", "two"], "say where to draw several runs, e.g. -o runs.png"),
        (["one", "-o", "a.pdf"], "ends in .png or .svg"),
        (["one", "-o", "none/a.png"], "there is no folder none"),
        (["one", "-o", "folder.png"], "is a folder; name a file"),
        (["absent"], "there is no such folder"),
        (["cut"], "no epoch has been logged"),
    ],
)
def test_what_cannot_be_drawn_is_told(declnet_cli, runs, arguments, message):
    (runs / "folder.png").mkdir()
    shutil.copytree(runs / "one", runs / "cut")
    (runs / "cut/history.jsonl").write_text("")
    done = declnet_cli("plot", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("needs_matplotlib")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]\n", "history.jsonl: a line is not a logged epoch"),
        ('{"epoch": "x"}\n', "history.jsonl: a line is not a logged epoch"),
        ("x\n", "history.jsonl: "),
    ],
)
def test_a_damaged_history_is_told(declnet_cli, runs, content, message):
    (runs / "one/history.jsonl").write_text(content)
    done = declnet_cli("plot", "one")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: one: cannot be read: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_matplotlib_the_extra_is_named(declnet_cli, runs):
    (runs / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'matplotlib':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    declnet_cli.environment.update(PYTHONPATH=":".join([str(runs), *filter(None, sys.path)]))
    done = declnet_cli("plot", "one")
    assert done.returncode == 2
    assert "pip install 'declnet[plot]'" in done.stderr
    assert "Traceback" not in done.stderr
