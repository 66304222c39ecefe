"""Installed distributions, good and broken, seen by the real command line."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from textwrap import dedent

import pytest

GOOD = """
    from declnet import Schedule, hookimpl

    class {name}(Schedule):
        type = "{type}"

        def rate(self, step, total):
            return 0.25

    @hookimpl
    def declnet_register(register):
        register({name})
"""


@pytest.fixture
def site(tmp_path, declnet_cli):
    """Install distributions for the command line by hand: modules and their metadata."""
    folder = tmp_path / "site"
    folder.mkdir()

    def install(distribution, code, version="1.0", entry_point=None):
        module = distribution.replace("-", "_")
        (folder / f"{module}.py").write_text(dedent(code))
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[declnet]\n{entry_point or module} = {module}\n")

    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return install, replace(declnet_cli, environment={"PYTHONPATH": path})


def line_with(text, *words):
    lines = [line for line in text.splitlines() if all(word in line for word in words)]
    assert lines, f"no line with {words} in:\n{text}"
    return lines[0]


def test_every_first_party_component_is_listed_with_its_distribution(declnet_cli):
    out = declnet_cli.succeeds("plugins")
    for kind, name in [
        ("layer", "dense"),
        ("loss", "categorical_crossentropy"),
        ("kernel", "softmax_categorical_crossentropy"),
        ("regularizer", "l1_l2"),
        ("optimizer", "adam"),
        ("initializer", "glorot_uniform"),
        ("schedule", "inverse_time"),
        ("metric", "accuracy"),
        ("data_source", "npz"),
    ]:
        assert "declnet" in line_with(out, kind, f" {name} ", "0.1.0")


def test_a_strangers_plugin_works_in_specs_and_stands_in_the_manifest(site, document, spec_file):
    install, command = site
    install("declnet-waves", GOOD.format(name="SawTooth", type="saw_tooth"), version="3.1")
    assert "3.1" in line_with(command.succeeds("plugins"), "saw_tooth", "declnet-waves")
    spec = spec_file({**document, "optimizer": {"type": "sgd", "learning_rate": "saw_tooth"}})
    command.succeeds("run", spec, "--quiet", "--out", "out")
    manifest = json.loads((command.folder / "out" / "manifest.json").read_text())
    assert manifest["components"]["schedule"] == {"saw_tooth": "declnet-waves==3.1"}
    assert 'type = "saw_tooth"' in (command.folder / "out" / "spec.toml").read_text()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import nosuchmodule", "No module named 'nosuchmodule'"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def declnet_register(register): ...", "declnet_register"),
        ("syntax error", "SyntaxError"),
        (
            "from declnet import hookimpl\n\n@hookimpl\ndef declnet_regster(register): ...",
            "declnet_regster",
        ),
        (
            "from declnet import hookimpl\n\n@hookimpl\ndef declnet_register(register): 1 / 0",
            "ZeroDivisionError",
        ),
        (
            "from declnet import hookimpl\n\n@hookimpl\ndef declnet_register(register):"
            "\n    register(int)",
            "not a component class",
        ),
    ],
)
def test_a_broken_plugin_is_named_with_its_cause_and_costs_nobody_else(
    site, document, spec_file, code, cause
):
    install, command = site
    install("declnet-broken", code, version="0.9")
    install("declnet-waves", GOOD.format(name="SawTooth", type="saw_tooth"))
    out = command.succeeds("plugins")
    assert "0.9" in line_with(out, "declnet-broken", cause)
    assert line_with(out, "saw_tooth", "declnet-waves")
    spec = spec_file({**document, "optimizer": {"type": "sgd", "learning_rate": "saw_tooth"}})
    command.succeeds("run", spec, "--quiet")


def test_a_spec_that_needs_a_broken_plugin_is_told_its_cause(site, document, spec_file):
    install, command = site
    install("declnet-broken", "import nosuchmodule")
    spec = spec_file({**document, "optimizer": {"type": "sgd", "learning_rate": "wavelet"}})
    done = command("run", spec)
    assert done.returncode == 2
    assert done.stderr.startswith('error[E015]: schedule type "wavelet" is not installed\n')
    assert "nosuchmodule" in line_with(done.stderr, "help: ", "declnet-broken 1.0")


def test_a_type_that_two_distributions_offer_is_a_warning_and_an_error_of_specs_that_use_it(
    site, document, spec_file
):
    install, command = site
    install("declnet-first", GOOD.format(name="One", type="saw_tooth"))
    install("declnet-second", GOOD.format(name="Two", type="saw_tooth"), version="2.0")
    install("declnet-third", GOOD.format(name="Own", type="inverse_time"))
    listed, _, conflicts = command.succeeds("plugins").partition("warning: several distributions")
    assert line_with(listed, "saw_tooth", "declnet-first")
    assert line_with(listed, "saw_tooth", "declnet-second")
    assert line_with(conflicts, "saw_tooth", "declnet-first 1.0, declnet-second 2.0", "none")
    both = line_with(conflicts, "inverse_time", "declnet 0.1.0, declnet-third 1.0")
    assert both.split()[-2:] == ["declnet", "0.1.0"]
    assert "broken plugins" not in conflicts
    command.succeeds("run", spec_file(document), "--quiet", "--out", "unconcerned")

    document["optimizer"] = {"type": "sgd", "learning_rate": "saw_tooth"}
    done = command("check", spec_file(document))
    assert done.returncode == 2
    assert done.stderr.startswith(
        'error[E009]: schedule type "saw_tooth" is offered by declnet-first 1.0 and '
        "declnet-second 2.0\n"
    )
    assert line_with(done.stderr, "help", 'plugins = ["declnet-first"]')


def test_strict_mode_refuses_conflicts(site):
    install, command = site
    install("declnet-third", GOOD.format(name="Own", type="inverse_time"))
    strict = replace(command, environment={**command.environment, "DECLNET_STRICT_PLUGINS": "1"})
    done = strict("plugins")
    assert done.returncode == 2
    assert line_with(done.stderr, 'schedule type "inverse_time"', "declnet 0.1.0 and declnet-third")


def test_show_shows_each_component_of_a_type_and_warns(site):
    install, command = site
    install("declnet-first", GOOD.format(name="One", type="saw_tooth"))
    install("declnet-second", GOOD.format(name="Two", type="saw_tooth"))
    shown = command.succeeds("plugins", "show", "saw_tooth")
    assert line_with(shown, "class: declnet_first.One")
    assert line_with(shown, "class: declnet_second.Two")
    assert line_with(shown, "warning: ", "declnet-first 1.0 and declnet-second 1.0", "must list")


def test_two_distributions_with_one_entry_point_name_are_both_loaded(site):
    install, command = site
    install("declnet-a", GOOD.format(name="A", type="saw_tooth"), entry_point="same")
    install("declnet-b", GOOD.format(name="B", type="step"), entry_point="same")
    out = command.succeeds("plugins")
    assert line_with(out, "saw_tooth", "declnet-a")
    assert line_with(out, "step", "declnet-b")


def test_a_component_that_raises_is_blamed_with_its_distribution(site, document, spec_file):
    install, command = site
    install(
        "declnet-waves",
        GOOD.replace("return 0.25", "return 1 / (3 - step)").format(
            name="SawTooth", type="saw_tooth"
        ),
    )
    spec = spec_file({**document, "optimizer": {"type": "sgd", "learning_rate": "saw_tooth"}})
    done = command("run", spec, "--quiet", "--out", "out")
    assert done.returncode == 1
    assert line_with(done.stderr, 'schedule "saw_tooth"', "declnet-waves 1.0", "ZeroDivisionError")
    assert "Traceback" not in done.stderr
    assert '"status": "failed"' in (command.folder / "out" / "manifest.json").read_text()
