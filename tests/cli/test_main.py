from __future__ import annotations

import re
import subprocess
import sys

import declnet
from declnet.cli.main import command


def test_the_version_is_that_of_the_package(declnet_cli):
    with declnet_cli.start("--version") as process:
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"declnet {declnet.__version__}\n")


def test_the_main_help_imports_no_component():
    code = (
        "import sys; from declnet.cli.main import command\n"
        "command.main(['--help'], standalone_mode=False)\n"
        "print([each for each in ('pydantic', 'numpy', 'pluggy') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_each_command_has_help(declnet_cli):
    for name in command.commands:
        usage = declnet_cli.succeeds(name, "--help")  # click 8.1 shows how a module was started
        assert re.match(f"Usage: (python -m )?declnet {name} ", usage)
