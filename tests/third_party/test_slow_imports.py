"""Slow and interrupted imports of plugins, in real processes."""

from __future__ import annotations

import pytest

from ..distributions import write_distribution, write_metadata

SLOW = """
import time
from declnet import Schedule, hookimpl

class Slow(Schedule):
    type = "slow"

    def rate(self, step, total):
        return 1.0

@hookimpl
def declnet_register(register):
    time.sleep(1.01)
    register(Slow)
"""

INTERRUPTED = """
import os, signal, time
import click

os.kill(os.getpid(), signal.SIGINT)
time.sleep(60)

@click.command()
def wait():
    pass
"""


@pytest.fixture
def command(tmp_path, command_in):
    def install(source):
        site = write_distribution(tmp_path / "site", "declnet-slow", source, "1.0", "slow")
        commands = {"declnet.commands": {"wait": "declnet_slow:wait"}}
        write_metadata(site, "declnet-waits", "2.0", commands)
        return command_in(tmp_path, site)

    return install


def test_a_plugin_that_takes_over_a_second_is_named(command):
    run = command(SLOW)
    done = run("plugins", "show", "slow")
    assert done.returncode == 0
    assert "note:" not in done.stdout
    (note,) = done.stderr.splitlines()
    assert note.startswith("note: importing plugin slow (declnet-slow 1.0) took 1.")


@pytest.mark.parametrize(
    ("arguments", "plugin"),
    [
        (("plugins",), "slow (declnet-slow 1.0)"),
        (("check", "spec.json"), "slow (declnet-slow 1.0)"),
        (("wait",), "wait (declnet-waits 2.0)"),
    ],
)
def test_an_interrupted_import_names_the_plugin_and_how_to_disable_it(
    command, spec_file, document, arguments, plugin
):
    run, name = command(INTERRUPTED), plugin.partition(" ")[0]
    spec_file(document)
    done = run(*arguments)
    without = f"--no-plugin {name}, or DECLNET_DISABLE_PLUGINS={name}"
    lines = ["interrupted", f"while importing plugin {plugin}; to run without it: {without}"]
    assert (done.returncode, done.stderr.split("\n")[-3:]) == (130, [*lines, ""])
    done = run("check", "spec.json", "--no-plugin", "slow")
    assert done.returncode == 0
