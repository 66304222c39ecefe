from __future__ import annotations

import subprocess
import sys

import pytest

import declnet
from declnet.cli.main import command

COMMANDS = sorted(command.commands)


def test_the_version_is_that_of_the_package(declnet_cli):
    with declnet_cli.start("--version") as process:
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"declnet {declnet.__version__}\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands_and_the_exit_codes(declnet_cli, option):
    out = declnet_cli.succeeds(option)
    for name in COMMANDS:
        assert f"\n  {name} " in out
    assert "Exit codes: 0 success, 1 the run failed" in out
    assert "\\b" not in out


def test_the_main_help_imports_no_component():
    code = (
        "import sys; from declnet.cli.main import command\n"
        "command.main(['--help'], standalone_mode=False)\n"
        "print([each for each in ('pydantic', 'numpy', 'pluggy') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(declnet_cli, name):
    assert declnet_cli.succeeds(name, "--help").startswith(f"Usage: declnet {name} ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runn", "spec.toml"], "No such command 'runn'"),
        (["run"], "Usage: "),
        (["run", "--nosuch"], "Usage: "),
        (["run", "a.toml", "b.toml"], "Usage: "),
    ],
)
def test_wrong_usage_is_refused(refused, arguments, message):
    assert message in refused(*arguments)


def test_a_plugin_can_be_disabled(refused, spec_file, document):
    said = refused("run", spec_file(document), "--no-plugin", "optimizers")
    assert 'error[E015]: optimizer type "sgd" is not installed' in said
    assert "disabled plugins: optimizers (declnet 0.1.0)" in said
