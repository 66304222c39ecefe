"""A distribution of a third party, installed for real, that adds commands and report panels."""

import json
import re

import pytest

pytestmark = pytest.mark.xdist_group("environment")

SPEC = """
declnet = 1
name = "blobs"
loss = "categorical_crossentropy"
optimizer = "adam"

[data]
train = { type = "nnfs_vertical", samples = 10, classes = 3 }
test = { type = "nnfs_vertical", samples = 5, classes = 3 }

[training]
epochs = 2

[model]
layers = [{ type = "dense", units = 3 }, "softmax"]
"""


@pytest.fixture(scope="module")
def juice(environment, juice_source):
    environment.install(juice_source)
    yield environment
    environment.uninstall("declnet-juice")


@pytest.fixture(scope="module")
def run(juice, tmp_path_factory):
    folder = tmp_path_factory.mktemp("juice")
    (folder / "spec.toml").write_text(SPEC)
    done = juice.declnet("run", folder / "spec.toml", "--quiet", "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_help_lists_its_commands_with_the_distribution(juice):
    done = juice.declnet("--help")
    assert done.returncode == 0
    _, _, section = done.stdout.partition("Commands of plugins:\n")
    assert re.search(r"^  press +declnet-juice 0\.4\.0$", section, re.M)
    assert re.search(r"^  report +declnet \d", section, re.M)
    assert "check   declnet-juice 0.4.0 (hidden by the built-in command)" in section


def test_its_command_runs(juice, run):
    loss = json.loads((run / "metrics.json").read_text())["test"]["loss"]
    done = juice.declnet("press", run)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"loss: {loss:.6f}\n", "")
    assert "The metric to press." in juice.declnet("press", "--help").stdout


def test_what_declnet_raises_in_its_command_is_shown_as_ever(juice, tmp_path):
    done = juice.declnet("press", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}: this is not a run's folder")


def test_a_command_that_cannot_be_imported_is_named(juice):
    done = juice.declnet("pulp")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: the command `pulp` of declnet-juice 0.4.0 cannot be loaded: "
        "ModuleNotFoundError: No module named 'declnet_juice.a_module_that_is_missing'\n"
    )


def test_a_built_in_command_is_not_replaced(juice):
    assert "Validate SPEC" in juice.declnet("check", "--help").stdout


def test_its_commands_are_absent_while_it_is_disabled(juice):
    off = {"DECLNET_DISABLE_PLUGINS": "declnet-juice"}
    assert "press" not in juice.declnet("--help", **off).stdout
    done = juice.declnet("press", "run", **off)
    assert done.returncode == 2
    assert "No such command 'press'" in done.stderr


@pytest.fixture(scope="module")
def page(juice, run):
    pytest.importorskip("vl_convert", reason="needs the extra report")
    juice.install("jinja2", "pygments", "vl-convert-python", isolated=True)
    done = juice.declnet("report", run)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return (run / "report.html").read_text("utf-8")


def panel(page, title):
    """The content of the section with that heading."""
    _, _, rest = page.partition(f">{title}</h2>\n")
    assert rest
    return rest.partition("</section>")[0].strip()


def test_its_panel_is_on_the_page_after_the_reports_own_sections(page, run):
    content = panel(page, "Ripeness")
    assert content.startswith("<p>15 fruits & 2 layers.</p><table><tr><th>0</th><td>")
    assert content.count("<tr>") == 3
    ids = re.findall(r'<section id="([^"]+)"', page)
    assert ids[-4:] == ["manifest", "panel-1", "panel-2", "panel-3"]
    assert page.count('<a href="#panel-1">Ripeness</a>') == 1


def test_a_panel_that_raises_is_named_with_its_distribution(page):
    assert panel(page, "Rotten &lt;fruit&gt;") == (
        '<p class="notice bad">This panel cannot be shown: plugin juice (declnet-juice 0.4.0) '
        "raised ZeroDivisionError: nothing is left of blobs</p>"
    )


def test_a_panel_that_cannot_be_imported_is_named_with_its_distribution(page):
    assert panel(page, "missing") == (
        '<p class="notice bad">This panel cannot be shown: plugin juice (declnet-juice 0.4.0): '
        "ModuleNotFoundError: No module named &#39;declnet_juice.a_module_that_is_missing&#39;</p>"
    )


def test_a_panel_without_anything_to_say_is_left_out(page):
    assert "Unripe" not in page
    assert "panel-4" not in page


@pytest.mark.usefixtures("page")
def test_a_disabled_plugin_has_no_panels(juice, run, tmp_path):
    done = juice.declnet("report", run, "--no-plugin", "juice", "-o", tmp_path / "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ripeness" not in (tmp_path / "page.html").read_text("utf-8")


def test_its_panels_are_listed_and_shown_as_every_component(juice):
    listed = juice.declnet("plugins").stdout
    line = next(line for line in listed.splitlines() if line.split()[1:2] == ["ripeness"])
    assert line.split() == ["report_panel", "ripeness", "juice", "declnet-juice", "0.4.0"]
    shown = juice.declnet("plugins", "show", "ripeness")
    assert shown.returncode == 0, shown.stderr
    assert "The shares of right predictions, by class." in shown.stdout
