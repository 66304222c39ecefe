"""Problems on a terminal are in colour; elsewhere they are plain text."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from declnet.cli.showing import show_problems
from declnet.errors import Diagnostic

ESCAPE = "\x1b["


@pytest.fixture
def on_terminal(declnet_cli):
    """What a command writes to stderr where that is a terminal."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

    def run(*arguments, **environment):
        ours, theirs = pty.openpty()
        environment = {**os.environ, "PYTHONWARNINGS": "error", "TERM": "xterm", **environment}
        process = subprocess.Popen(
            [sys.executable, "-m", "declnet", *map(str, arguments)],
            cwd=declnet_cli.folder,
            env={key: value for key, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        said = b""
        while part := read(ours):
            said += part
        os.close(ours)
        assert process.wait(60) == 2
        return said.decode().replace("\r\n", "\n")

    return run


def read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # so Linux says that the other side is closed
        return b""


def uncoloured(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.fixture
def wrong(spec_file, document):
    return spec_file({**document, "seed": -1, "optimizer": "Adam"})


@pytest.mark.parametrize("command", ["check", "run", "show"])
def test_a_terminal_gets_colours(on_terminal, declnet_cli, wrong, command):
    said = on_terminal(command, wrong, NO_COLOR=None)
    assert said.startswith(f"{ESCAPE}91m{ESCAPE}1merror[E015]{ESCAPE}0m: ")
    assert uncoloured(said) == declnet_cli(command, wrong).stderr


@pytest.mark.parametrize("value", ["1", "0", "anything"])
def test_no_color_is_honoured(on_terminal, declnet_cli, wrong, value):
    said = on_terminal("check", wrong, NO_COLOR=value)
    assert said == declnet_cli("check", wrong).stderr


def test_an_empty_no_color_means_nothing(on_terminal, wrong):
    assert ESCAPE in on_terminal("check", wrong, NO_COLOR="")


def test_what_is_no_terminal_gets_none(declnet_cli, wrong):
    said = declnet_cli("check", wrong).stderr
    assert said.startswith("error[E015]: ")
    assert ESCAPE not in said


def test_a_spec_cannot_colour_anything_itself(on_terminal, spec_file):
    spec = spec_file('declnet = 1\n"\\u001b[31m" = "\x7f"\n', "spec.toml")
    spec.write_bytes(spec.read_bytes().replace(b"\x7f", b"\xc2\x9b31m"))
    said = on_terminal("check", spec, NO_COLOR="1")
    assert ESCAPE not in said
    assert "\x9b" not in said


def test_of_nothing_nothing_is_shown(capsys):
    show_problems(())
    assert capsys.readouterr() == ("", "")


def test_problems_are_shown_on_stderr(capsys):
    show_problems([Diagnostic("wrong", path=("seed",), code="E013")])
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error[E013]: wrong\n --> seed\n\n1 error; `declnet explain E013` says more\n"
