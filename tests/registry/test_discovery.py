"""Installed distributions, working and broken, seen by the real command line."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from textwrap import dedent

import pytest

WORKING = """
    from declnet import Schedule, hookimpl

    class {name}(Schedule):
        type = "{type}"

        def rate(self, step, total):
            return 1 / (3 - step)

    @hookimpl
    def declnet_register(register):
        register({name})
"""
HOOK = "from declnet import hookimpl\n\n@hookimpl\ndef "

BROKEN = {
    "declnet-import": ("import nosuchmodule", "No module named 'nosuchmodule'"),
    "declnet-exit": ("raise SystemExit(3)", "SystemExit"),
    "declnet-unmarked": ("def declnet_register(register): ...", "declnet_register"),
    "declnet-syntax": ("syntax error", "SyntaxError"),
    "declnet-misspelled": (f"{HOOK}declnet_regster(register): ...", "declnet_regster"),
    "declnet-raising": (f"{HOOK}declnet_register(register): 1 / 0", "ZeroDivisionError"),
    "declnet-int": (f"{HOOK}declnet_register(register): register(int)", "not a component class"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with distributions as pip installs them: modules and their metadata."""
    folder = tmp_path_factory.mktemp("site")

    def install(distribution, code, version="1.0", entry_point=None):
        module = distribution.replace("-", "_")
        (folder / f"{module}.py").write_text(dedent(code))
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[declnet]\n{entry_point or module} = {module}\n")

    steady = WORKING.replace("1 / (3 - step)", "0.25")
    install("declnet-waves", steady.format(name="SawTooth", type="saw_tooth"), "3.1")
    install("declnet-spikes", WORKING.format(name="Spike", type="spike"))
    install("declnet-first", WORKING.format(name="One", type="ramp"), entry_point="same")
    install("declnet-second", WORKING.format(name="Two", type="ramp"), "2.0", entry_point="same")
    install("declnet-third", WORKING.format(name="Own", type="inverse_time"))
    for distribution, (code, _) in BROKEN.items():
        install(distribution, code, "0.9")
    return folder


@pytest.fixture
def command(site, declnet_cli):
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return replace(declnet_cli, environment={"PYTHONPATH": path})


@pytest.fixture
def spec_with(document, spec_file):
    """Write a spec with a schedule."""

    def write(schedule):
        return spec_file({**document, "optimizer": {"type": "sgd", "learning_rate": schedule}})

    return write


def line_with(text, *words):
    lines = [line for line in text.splitlines() if all(word in line for word in words)]
    assert lines, f"no line with {words} in:\n{text}"
    return lines[0]


def test_plugins_lists_working_conflicting_and_broken_ones(command):
    out = command.succeeds("plugins")
    listed, _, conflicts = out.partition("warning: several distributions")
    assert "3.1" in line_with(listed, "saw_tooth", "declnet-waves")
    assert line_with(listed, "ramp", "declnet-first")
    assert line_with(listed, "ramp", "declnet-second")
    assert line_with(conflicts, "ramp", "declnet-first 1.0, declnet-second 2.0", "none")
    both = line_with(conflicts, "inverse_time", "declnet 0.1.0, declnet-third 1.0")
    assert both.split()[-2:] == ["declnet", "0.1.0"]
    assert line_with(out, "declnet-second", "declnet-first 1.0", "rename one")
    for distribution, (_, cause) in BROKEN.items():
        assert "0.9" in line_with(out, distribution, cause)


def test_a_third_party_plugin_works_in_specs_and_is_recorded(command, spec_with):
    command.succeeds("run", spec_with("saw_tooth"), "--quiet", "--out", "out")
    manifest = json.loads((command.folder / "out" / "manifest.json").read_text())
    assert manifest["components"]["schedule"] == {"saw_tooth": "declnet-waves==3.1"}
    assert 'type = "saw_tooth"' in (command.folder / "out" / "spec.toml").read_text()


def test_strict_mode_refuses_conflicts_and_failures(command):
    strict = replace(command, environment={**command.environment, "DECLNET_STRICT_PLUGINS": "1"})
    done = strict("plugins")
    assert done.returncode == 2
    assert line_with(done.stderr, 'schedule type "inverse_time"', "declnet 0.1.0 and declnet-third")
    assert line_with(done.stderr, "declnet-import 0.9", "nosuchmodule")


def test_the_kit_fails_a_plugin_whose_names_others_have(command):
    done = command("plugins", "check", "declnet-first")
    assert done.returncode == 1
    both = "offered by declnet-first 1.0 and declnet-second 2.0; a spec must list one"
    assert line_with(done.stdout, "schedule:ramp[0] can_be_registered failed", both)
    assert line_with(done.stdout, "declnet-second 2.0 has an entry point of the same name")
    done = command("plugins", "check", "declnet-third")
    assert done.returncode == 1
    assert line_with(
        done.stdout, "schedule:inverse_time[0]", "specs use the one from declnet 0.1.0"
    )


def test_a_component_that_raises_is_blamed_with_its_distribution(command, spec_with):
    done = command("run", spec_with("spike"), "--quiet", "--out", "out")
    assert done.returncode == 1
    assert line_with(done.stderr, 'schedule "spike"', "declnet-spikes 1.0", "ZeroDivisionError")
    assert "Traceback" not in done.stderr
    assert '"status": "failed"' in (command.folder / "out" / "manifest.json").read_text()
