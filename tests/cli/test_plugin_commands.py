"""Commands of plugins: listed without an import, called, broken, offered twice, disabled.

The distributions are folders on the path, as installers write them; tests/third_party installs a
real one.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import entry_points

import click
import pytest

from declnet.cli.main import command
from declnet.cli.plugin_commands import DISABLE, GROUP, offers

PRESS = """
from pathlib import Path
import click

Path(__file__).with_suffix(".imported").touch()

@click.command()
@click.argument("fruit")
@click.option("--times", default=1, help="How often.")
def press(fruit, times):
    "Press FRUIT."
    click.echo(f"{fruit} juice" * times)
    return 3 if fruit == "stone" else None
"""


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Create a one-module distribution with commands that the command line finds."""
    site = tmp_path / "site"
    site.mkdir()

    def make(name, entries, source=PRESS, version="1.2", suffix=".dist-info"):
        information = site / f"{name}-{version}{suffix}"
        information.mkdir()
        lines = [f"{command} = {reference}" for command, reference in entries.items()]
        text = "\n".join(["[console_scripts]", "other = other:main", "", f"[{GROUP}]", *lines])
        (information / "entry_points.txt").write_text(text + "\n")
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
        )
        if source is not None:
            (site / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(str(site))
        return site

    return make


def plugin_section(out):
    lines = out.split("Commands of plugins:\n")[1].split("\n\n")[0].splitlines()
    return dict(line.strip().split(None, 1) for line in lines)


def test_help_describes_own_commands_and_imports_no_others(distribution, declnet_cli):
    site = distribution("declnet_juice", {"press": "declnet_juice:press"})
    distribution("declnet_broken", {"break": "declnet_broken:x"}, "raise ValueError('kaputt')")
    out = declnet_cli.succeeds("--help")
    assert plugin_section(out) == {"press": "declnet-juice 1.2", "break": "declnet-broken 1.2"}
    assert re.search(r"^  report +Write an HTML report", out, re.MULTILINE)
    assert not (site / "declnet_juice.imported").exists()


def test_a_command_is_called_with_its_arguments_and_ends_with_its_code(
    distribution, declnet_cli, refused
):
    distribution(
        "declnet_juice", {"press": "declnet_juice:press", "squeeze": "declnet_juice:press"}
    )
    assert declnet_cli.succeeds("press", "apple", "--times", "2") == "apple juiceapple juice\n"
    assert declnet_cli.succeeds("squeeze", "pear") == "pear juice\n"
    assert declnet_cli("press", "stone").returncode == 3
    assert "declnet press [OPTIONS] FRUIT" in refused("press")
    assert "How often." in declnet_cli.succeeds("press", "--help")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import a_module_that_nobody_has", "ModuleNotFoundError: No module named 'a_module_that"),
        ("raise KeyError('kaputt')", "KeyError: 'kaputt'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("x = 1", "AttributeError: module 'declnet_juice' has no attribute 'press'"),
        ("def press(): pass", "TypeError: declnet_juice:press is not a click command"),
        (None, "ModuleNotFoundError: No module named 'declnet_juice'"),
    ],
)
def test_a_command_that_cannot_be_loaded_is_named_with_its_cause(
    distribution, declnet_cli, refused, source, cause
):
    distribution("declnet_juice", {"press": "declnet_juice:press"}, source)
    for argument in ("apple", "--help"):
        said = refused("press", argument, code=1)
        start = "error: the command `press` of declnet-juice 1.2 cannot be loaded: "
        assert said.startswith(start + cause)
        assert len(said.splitlines()) == 1
    assert "\n  check " in declnet_cli.succeeds("--help")


def test_a_plugin_cannot_replace_a_built_in_command(distribution, declnet_cli):
    site = distribution("declnet_juice", {"run": "declnet_juice:press"})
    assert "Train and evaluate" in declnet_cli.succeeds("run", "--help")
    commands = plugin_section(declnet_cli.succeeds("--help"))
    assert commands["run"] == "declnet-juice 1.2 (hidden by the built-in command)"
    distribution("a_juice", {"report": "a_juice:press"})  # declnet has this one as a plugin
    assert "Write an HTML report" in declnet_cli.succeeds("report", "--help")
    assert "report" not in plugin_section(declnet_cli.succeeds("--help"))
    assert not (site / "declnet_juice.imported").exists()


def test_a_command_of_two_distributions_is_an_error_that_names_both(
    distribution, declnet_cli, refused, monkeypatch
):
    distribution("declnet_juice", {"press": "declnet_juice:press"})
    distribution("declnet_wine", {"press": "declnet_wine:press"}, version="3.0")
    assert "declnet-juice 1.2, declnet-wine 3.0" in declnet_cli.succeeds("--help")
    assert refused("press", "grape", code=1) == (
        "error: the command `press` is offered by declnet-juice 1.2 and declnet-wine 3.0; "
        "disable one, e.g. with DECLNET_DISABLE_PLUGINS=declnet-wine\n"
    )
    monkeypatch.setenv(DISABLE, "declnet-wine")
    assert declnet_cli.succeeds("press", "grape") == "grape juice\n"


@pytest.mark.parametrize("name", ["declnet-juice", "Declnet_Juice", " declnet.juice", "press"])
def test_commands_of_disabled_plugins_are_absent(
    distribution, declnet_cli, refused, monkeypatch, name
):
    distribution("declnet_juice", {"press": "declnet_juice:press"})
    monkeypatch.setenv(DISABLE, f"other,{name}")
    assert "press" not in declnet_cli.succeeds("--help")
    assert "No such command 'press'" in refused("press", "apple")


def test_the_commands_are_the_entry_points_that_importlib_finds(distribution, monkeypatch):
    distribution("declnet_juice", {"press": "declnet_juice:press"})
    distribution("Declnet.Wine", {"Drink-Me": "wine.of:it.there [red]"}, None, "2.0rc1")
    site = distribution("egg", {"boil": "egg:press"}, version="0.1-py3.11", suffix=".egg-info")
    (site / "broken-1.0.dist-info").mkdir()
    (site / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(b"[\xff")
    (site / "file-1.0.dist-info").write_text("no folder")
    offered = {offer for candidates in offers().values() for offer in candidates}
    (site / "broken-1.0.dist-info" / "entry_points.txt").unlink()
    expected = {
        (point.name, point.dist.name.lower().replace(".", "-"), f"{point.module}:{point.attr}")
        for point in entry_points(group=GROUP)
    }
    assert {(offer.command, offer.distribution, offer.reference) for offer in offered} == expected
    versions = {offer.command: offer.version for offer in offered}
    assert (versions["press"], versions["Drink-Me"], versions["boil"]) == ("1.2", "2.0rc1", "0.1")


def test_the_first_of_two_copies_of_a_distribution_counts(distribution, monkeypatch, tmp_path):
    site = distribution("declnet_juice", {"press": "declnet_juice:press"})
    old = tmp_path / "old"
    (old / "Declnet_Juice-0.9.dist-info").mkdir(parents=True)
    text = f"[{GROUP}]\npress = old:press\nsqueeze = old:press\n"
    (old / "Declnet_Juice-0.9.dist-info" / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(old))
    monkeypatch.syspath_prepend(str(site))
    assert [str(offer) for offer in offers()["press"]] == ["declnet-juice 1.2"]
    assert "squeeze" not in offers()


def test_a_command_without_its_packages_says_what_to_install_and_is_not_suggested(
    distribution, declnet_cli
):
    extra = 'cls=ExtraCommand, extra="declnet-juice[stones]", packages=("json", "pestle", "rim.x")'
    source = PRESS.replace("@click.command()", f"@click.command({extra})")
    source = source.replace("import click", "import click\nfrom declnet import ExtraCommand")
    distribution("declnet_juice", {"press": "declnet_juice:press"}, source)
    distribution("declnet_whole", {"peel": "declnet_whole:press"})
    distribution("declnet_broken", {"break": "declnet_broken:x"}, "raise ValueError('kaputt')")
    assert "Press FRUIT." in declnet_cli.succeeds("press", "--help")
    result = declnet_cli("press", "plum")
    assert (result.returncode, result.stdout) == (2, "")
    assert "`declnet press` needs packages that are not installed (pestle, rim.x): " in (
        result.stderr
    )
    assert "pip install 'declnet-juice[stones]'" in result.stderr
    context = click.Context(command)
    usable = [
        name
        for name in ("run", "press", "peel", "break", "juggle")
        if command.is_usable(context, name)
    ]
    assert usable == ["run", "peel"]
