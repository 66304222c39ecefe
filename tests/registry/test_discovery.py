"""Installed distributions, working and broken, seen by the real command line."""

from __future__ import annotations

import json
from dataclasses import replace
from textwrap import dedent

import pytest

from ..distributions import write_distribution

WORKING = """
    from declnet import Schedule, hookimpl

    class {name}(Schedule):
        type = "{type}"

        def rate(self, step, total):
            return {rate}

    @hookimpl
    def declnet_register(register):
        register({name})
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with working, conflicting and broken distributions."""
    folder = tmp_path_factory.mktemp("site")

    def install(distribution, version="1.0", entry_point=None, rate="1 / (3 - step)", **names):
        code = dedent(WORKING.format(rate=rate, **names))
        write_distribution(folder, distribution, code, version, entry_point)

    install("declnet-waves", "3.1", name="SawTooth", type="saw_tooth", rate="0.25")
    install("declnet-spikes", name="Spike", type="spike")
    install("declnet-first", entry_point="same", name="One", type="ramp")
    install("declnet-second", "2.0", entry_point="same", name="Two", type="ramp")
    install("declnet-third", name="Third", type="inverse_time")
    return write_distribution(folder, "declnet-import", "import nosuchmodule", "0.9")


@pytest.fixture
def command(site, command_in, tmp_path):
    return command_in(tmp_path, site)


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
