"""A third-party distribution that adds commands and report panels."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from declnet import load_spec, run

from ..distributions import write_metadata

JUICE = Path(__file__).parent / "declnet-juice"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("juice")


@pytest.fixture(scope="module")
def juice(command_in, folder):
    """The command line with declnet-juice on its path, as an installer writes it."""
    site = folder / "site"
    shutil.copytree(JUICE / "declnet_juice", site / "declnet_juice")
    project = tomllib.loads((JUICE / "pyproject.toml").read_text("utf-8"))["project"]
    write_metadata(site, project["name"], project["version"], project["entry-points"])
    return command_in(folder, site)


@pytest.fixture(scope="module")
def finished(folder):
    """The folder of a run."""
    source = {"type": "nnfs_vertical", "samples": 10, "classes": 3}
    document = {
        "declnet": 1,
        "name": "blobs",
        "data": {"train": source, "test": {**source, "samples": 5}},
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 2},
    }
    (folder / "spec.json").write_text(json.dumps(document))
    run(load_spec(folder / "spec.json"), out=folder / "run")
    return folder / "run"


def test_an_error_of_declnet_in_its_command_is_shown_as_usual(juice, tmp_path):
    done = juice("press", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}: this is not a run's folder")


@pytest.fixture(scope="module")
def page(juice, finished):
    pytest.importorskip("jinja2", reason="needs the extra report")
    pytest.importorskip("vl_convert", reason="needs the extra report")
    juice.succeeds("report", finished)
    return (finished / "report.html").read_text("utf-8")


def panel(page, title):
    """Return the content of the section with a heading."""
    _, _, rest = page.partition(f">{title}</h2>\n")
    assert rest
    return rest.partition("</section>")[0].strip()


def test_its_panel_is_on_the_page_after_declnets_sections(page):
    content = panel(page, "Ripeness")
    assert content.startswith("<p>15 fruits & 2 layers.</p><table><tr><th>0</th><td>")
    assert content.count("<tr>") == 3
    ids = re.findall(r'<section id="([^"]+)"', page)
    assert ids[-4:] == ["manifest", "panel-1", "panel-2", "panel-3"]
    assert page.count('<a href="#panel-1">Ripeness</a>') == 1
    assert "Unripe" not in page  # it renders nothing


@pytest.mark.parametrize(
    ("title", "error"),
    [
        (
            "Rotten &lt;fruit&gt;",
            "report_panel &#34;rotten&#34; of plugin juice (declnet-juice 0.4.0) "
            "raised ZeroDivisionError in render() (…): nothing is left of blobs",
        ),
        (
            "missing",
            "plugin juice (declnet-juice 0.4.0): ModuleNotFoundError: "
            "No module named &#39;declnet_juice.a_module_that_is_missing&#39;",
        ),
    ],
)
def test_a_panel_that_fails_is_named_with_its_distribution(page, title, error):
    assert re.sub(r"\(/.+?\)", "(…)", panel(page, title)) == (
        f'<p class="notice bad">This panel cannot be shown: {error}</p>'
    )


@pytest.mark.usefixtures("page")
def test_a_disabled_plugin_has_no_panels(juice, finished, tmp_path):
    juice.succeeds("report", finished, "--no-plugin", "juice", "-o", tmp_path / "page.html")
    assert "Ripeness" not in (tmp_path / "page.html").read_text("utf-8")


def test_its_panels_are_listed_and_shown_like_any_component(juice):
    listed = juice.succeeds("plugins")
    line = next(line for line in listed.splitlines() if line.split()[1:2] == ["ripeness"])
    assert line.split() == ["report_panel", "ripeness", "juice", "declnet-juice", "0.4.0"]
    shown = juice.succeeds("plugins", "show", "ripeness")
    assert "The recall of each class." in shown
