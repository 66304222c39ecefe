"""Output of components, which goes to standard error in real processes; commands own theirs."""

from __future__ import annotations

import json
import signal
import sys

import pytest

from ..distributions import write_distribution, write_metadata

LOUD = """
import atexit, os, signal, subprocess, sys
import click, declnet
from declnet import Layer, hookimpl
import numpy as np

class MuteError(Exception):
    def __str__(self):
        raise ValueError

def shout():
    print("PRINTED")
    sys.stdout.write("WRITTEN\\n")
    click.echo("ECHOED")
    os.write(1, b"DESCRIPTOR\\n")
    subprocess.run(["echo", "CHILD"], check=True)
    subprocess.run(["echo", "GIVEN"], check=True, stdout=sys.stdout)

atexit.register(shout)

class Loud(Layer):
    "y = x."
    type = "loud"
    end: str = ""
    def output_shape(self, shape):
        shout()
        return shape
    def forward(self, x, y, state):
        shout()
        if self.end == "exit":
            os._exit(0)
        if self.end.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, self.end))
        if self.end == "mute":
            raise MuteError
        if self.end == "lines":
            raise ValueError("first\\nsecond")
        np.copyto(y, x)
    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)

@hookimpl
def declnet_register(register):
    register(Loud)

@click.command()
@click.argument("run")
@click.option("--fail")
def ask(run, fail):
    click.echo("before")
    rows = declnet.open_run(run).evaluate("train")
    print("after")
    declnet.print_line("one\\nline")
    if fail == "value":
        raise ValueError("no\\nuse")
    if fail == "mute":
        raise MuteError
    if fail == "exit":
        sys.exit(7)
    if fail == "known":
        raise declnet.RunError("known")
"""

SHOUTED = {"PRINTED", "WRITTEN", "ECHOED", "DESCRIPTOR", "CHILD", "GIVEN"}


@pytest.fixture(scope="module")
def loud(tmp_path_factory, command_in):
    """Run a command in a process, with a plugin that prints in every way."""
    folder = tmp_path_factory.mktemp("loud")
    site = folder / "site"
    write_distribution(site, "declnet-loud", LOUD)
    write_metadata(site, "declnet-asks", "1.2", {"declnet.commands": {"ask": "declnet_loud:ask"}})
    rows = [f"{row},{'b' if row % 2 else 'c'}" for row in range(20)]
    (folder / "table.csv").write_text("\n".join(["x,y", *rows, ""]))
    spec = {
        "declnet": 1,
        "data": {"train": {"type": "csv", "path": "table.csv", "target": "y"}},
        "model": {"layers": ["loud", {"type": "dense", "units": 2}, "softmax"]},
        "loss": {"type": "categorical_crossentropy"},
        "optimizer": {"type": "sgd"},
        "training": {"epochs": 1},
    }
    (folder / "spec.json").write_text(json.dumps(spec))

    run = command_in(folder, site)
    done = run("run", "spec.json", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.splitlines()) == SHOUTED
    assert not set(done.stdout.splitlines()) & SHOUTED
    assert any(line.endswith(" s, run") for line in done.stdout.splitlines())
    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "run", "table.csv"),
        ("predict", "run", "table.csv", "--format", "jsonl"),
        ("evaluate", "run", "--format", "json"),
        ("check", "spec.json", "--format", "json"),
        ("run", "spec.json", "--seeds", "0,1", "--jobs", "2", "--out", "seeds"),
        ("trace", "spec.json", "--format", "json"),
    ],
    ids=lambda arguments: " ".join(arguments[:1] + arguments[2:]),
)
def test_the_output_does_not_contain_what_a_layer_prints(loud, arguments):
    done = loud(*arguments)
    assert done.returncode == 0
    if "--jobs" in arguments:  # which may interleave their lines
        assert sorted(set(done.stderr)) == sorted({*"\n".join(SHOUTED)})
    else:
        assert set(done.stderr.splitlines()) == SHOUTED
    assert not set(done.stdout.split()) & SHOUTED
    if "json" in arguments:
        json.loads(done.stdout)
    if arguments[-1] == "table.csv":
        assert len(done.stdout.splitlines()) == 21


def test_a_python_process_keeps_its_output_too(loud):
    with loud.start("predict", "run", "table.csv") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, len(out.splitlines())) == (0, 21)
    assert set(err.splitlines()) == SHOUTED


def test_a_command_of_a_plugin_prints_its_own_output(loud):
    done = loud("ask", "run")
    assert (done.returncode, done.stdout) == (0, "before\nafter\none\\u000aline\n")
    assert set(done.stderr.splitlines()) == SHOUTED
    assert loud("ask", "--help").stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("fail", "code", "message"),
    [
        (
            "value",
            1,
            "error: the command `ask` of declnet-asks 1.2 raised ValueError: no\\u000ause",
        ),
        ("mute", 1, "raised MuteError: its message cannot be shown: __str__ raised ValueError"),
        ("known", 1, "error: known  = note: from the command `ask` of declnet-asks 1.2"),
        ("exit", 7, ""),
    ],
)
def test_a_command_of_a_plugin_that_fails_is_named(loud, fail, code, message):
    done = loud("ask", "run", "--fail", fail)
    assert (done.returncode, done.stdout) == (code, "before\nafter\none\\u000aline\n")
    lines = [line for line in done.stderr.splitlines() if line not in SHOUTED]
    assert len(lines) == (bool(message) + ("note" in message))
    assert message in "".join(lines)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("mute", "raised MuteError in forward() (…): its message cannot be shown: __str__ raised"),
        ("lines", "raised ValueError in forward() (…): first\\u000asecond"),
    ],
)
def test_any_exception_of_a_layer_is_one_line_that_names_it(loud, end, message):
    done = loud("run", "spec.json", "--set", f"model.layers.0.end={end}", "--out", end)
    (line,) = [line for line in done.stderr.splitlines() if line not in SHOUTED]
    start, finish = message.split("…")
    assert line.startswith('error: layer "loud" of plugin declnet_loud (declnet-loud 0.1.0) raised')
    assert start in line
    assert finish in line
    assert done.returncode == 1


@pytest.mark.skipif(sys.platform != "linux", reason="nothing confirms the end of a command")
@pytest.mark.parametrize(
    ("end", "how", "code"),
    [
        ("exit", "exit code 0", 1),
        ("SIGSEGV", "SIGSEGV", -signal.SIGSEGV),
        ("SIGKILL", "SIGKILL", -signal.SIGKILL),
    ],
)
def test_a_component_that_ends_the_process_fails_the_command(loud, end, how, code):
    done = loud("run", "spec.json", "--set", f"model.layers.0.end={end}", "--out", end)
    assert (done.returncode, done.stdout) == (code, "")
    message = f"error: the process ended, with {how}, before the command did"
    assert message in done.stderr.splitlines()
    shown = json.loads(loud("runs", ".", "--format", "json").stdout)
    assert {run["name"]: run["status"] for run in shown}[end] != "finished"
