from __future__ import annotations

import pytest

import declnet

COMMANDS = ["run", "check", "show", "diff", "compare", "plugins", "new", "explain", "schema"]


def test_the_version_is_that_of_the_package(declnet_cli):
    assert declnet_cli.succeeds("--version") == f"declnet {declnet.__version__}\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands_and_the_exit_codes(declnet_cli, option):
    out = declnet_cli.succeeds(option)
    for command in COMMANDS:
        assert f"\n  {command} " in out
    assert "Exit codes: 0 done, 1 the run failed" in out
    assert "\\b" not in out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(declnet_cli, command):
    usage = declnet_cli.succeeds(command, "--help").splitlines()[0]
    assert usage.startswith("Usage: ")
    assert f"declnet {command} " in usage


def test_an_unknown_command_is_refused(declnet_cli):
    done = declnet_cli("runn", "spec.toml")
    assert done.returncode == 2
    assert "runn" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plugin_can_be_done_without(declnet_cli, spec_file, document):
    done = declnet_cli("run", spec_file(document), "--no-plugin", "optimizers")
    assert done.returncode == 2
    assert 'error[E015]: optimizer type "sgd" is not installed' in done.stderr
    assert "disabled plugins: optimizers (declnet 0.1.0)" in done.stderr
