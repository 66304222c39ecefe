"""`declnet report` from the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("jinja2", reason="needs the extra report")
pytest.importorskip("vl_convert", reason="needs the extra report")


@pytest.fixture
def run(declnet_cli, spec_file, document):
    declnet_cli.succeeds("run", spec_file(document), "--quiet", "--out", "one")
    return "one"


def test_pages_lie_where_the_user_wants_them(declnet_cli, run, tmp_path):
    before = {path: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    (tmp_path / "page.html").write_text("old", "utf-8")
    assert declnet_cli.succeeds("report", run, "-o", "page.html") == "page.html\n"
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>small</h1>" in page
    assert "Decision surface" in page
    assert {path: path.read_bytes() for path in (tmp_path / "one").iterdir()} == before


def test_without_a_wish_they_lie_with_the_run_or_in_the_working_folder(declnet_cli, run, tmp_path):
    assert declnet_cli.succeeds("report", run) == "one/report.html\n"
    assert "<h1>small</h1>" in (tmp_path / "one" / "report.html").read_text("utf-8")
    assert declnet_cli.succeeds("report", run, run) == "report.html\n"
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
def test_what_is_wrong_is_said(declnet_cli, run, arguments, status, message):
    done = declnet_cli("report", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_it_says_what_to_install(run, tmp_path):
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
