"""Output of commands: without control characters, and to destinations that fail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FORGED = "9 s"
ODD = f"a\x1b[31m\x07\x9b2J\u202eb\n{FORGED}\r{FORGED}\u2028{FORGED}\x85{FORGED}\x0b\x0c\u2029c"
"""A color, a bell, a C1 control that clears the screen, a reversed line, and forged lines
after each line break of Python except the ones that JSON and TOML already escape."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
SHOWN = "".join(
    f"\\u{ord(letter):04x}" if CONTROL.match(letter) or letter == "\n" else letter for letter in ODD
)

SPEC = {
    "declnet": 1,
    "data": {
        "train": {"type": "csv", "path": "table.csv", "target": "y"},
        "prepare": ["standardize"],
    },
    "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
    "loss": {"type": "categorical_crossentropy"},
    "optimizer": {"type": "sgd"},
    "training": {"epochs": 2, "metrics": ["accuracy"]},
}


@pytest.fixture
def folder(tmp_path, spec_file):
    """A folder with specs and a table whose columns and classes have control characters."""
    lines = [f'"{ODD}",y', *(f'{row},"{ODD if row % 2 else "c"}"' for row in range(10))]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", newline="")
    spec_file(SPEC, "spec.json")
    spec_file({**SPEC, "seed": 2, ODD: {ODD: 1}}, "wrong.json")
    source = {**SPEC["data"]["train"], "features": [ODD]}
    spec_file({**SPEC, "data": {**SPEC["data"], "train": source}}, "features.json")
    return tmp_path


COMMANDS = [
    ("check", "spec.json"),
    ("check", "spec.json", "--format", "json"),
    ("check", "wrong.json"),
    ("check", "wrong.json", "--format", "json"),
    ("check", "spec.json", "--set", f"{ODD}.x=1"),
    ("check", ODD),
    ("check", f"{ODD}.toml"),
    ("show", "features.json"),
    ("show", "spec.json", "--set", f"training.{ODD}={ODD}"),
    ("diff", "spec.json", "features.json"),
    ("run", "spec.json", "--out", f"runs/{ODD}"),
    ("run", "spec.json", "--set", f"data.train.target={ODD}x"),
    ("resume", ODD),
    ("resume", f"runs/{ODD}"),
    ("evaluate", f"runs/{ODD}"),
    ("evaluate", f"runs/{ODD}", "--format", "json"),
    ("evaluate", f"runs/{ODD}", "--on", ODD),
    ("predict", f"runs/{ODD}", ODD),
    ("predict", f"runs/{ODD}", "table.csv", "-o", f"{ODD}.csv"),
    ("runs", "runs"),
    ("runs", ODD),
    ("runs", "runs", "--filter", f"{ODD}=1"),
    ("compare", f"runs/{ODD}", f"runs/{ODD}"),
    ("compare", f"runs/{ODD}", f"{ODD}"),
    ("sweep", "spec.json", "--seeds", "1,2", "--out", f"sweeps/{ODD}"),
    ("sweep", "spec.json", "--seeds", ODD),
    ("runs", f"sweeps/{ODD}"),
    ("new", "new.toml", "--data", "table.csv", "--target", "y"),
    ("new", "new.toml", "--data", "table.csv", "--target", ODD),
    ("new", f"{ODD}.toml", "--data", ODD),
    ("explain", ODD),
    ("schema", "-o", f"{ODD}/schema.json"),
    ("plugins", "show", ODD),
    ("plugins", "check", ODD),
    ("plugins", "new", ODD),
    ("check", "spec.json", "--no-plugin", ODD),
    ("trace", "spec.json", "--samples", "1"),
    ("trace", f"runs/{ODD}", "--layer", ODD),
    ("find-rate", "spec.json", "--budget", "0"),
    ("find-rate", f"{ODD}.toml"),
    ("overfit", "spec.json", "--updates", "3"),
    ("export", f"runs/{ODD}", "-o", ODD),
    ("export", f"runs/{ODD}", "-o", f"{ODD}.py"),
    ("import", ODD, "-o", ODD),
    ("import", f"{ODD}.safetensors", "-o", ODD, "--set", f"{ODD}=1"),
    ("evaluate", f"runs/{ODD}", "--analyze", ODD),
    ("evaluate", f"runs/{ODD}", "--analyze", "permutation_importance"),
    ("report", f"runs/{ODD}", "-o", f"{ODD}.html"),
    ("report", ODD),
    ("plot", ODD),
    ("tune", f"{ODD}.toml"),
    ("serve", ODD),
    ("run", "spec.json", "--set", f"name={ODD}"),
    ("run", "spec.json", "--on", ODD),
    ("predict", f"runs/{ODD}", "table.csv", f"--{ODD}"),
    (ODD,),
]


def test_no_command_writes_control_characters_or_forged_lines(folder, declnet_cli):
    said = {}
    for arguments in COMMANDS:
        done = declnet_cli(*arguments)
        text = done.stdout + done.stderr
        assert not CONTROL.search(text), arguments
        assert text
        assert not re.search(f"^{FORGED}", text, re.MULTILINE), (arguments, text)
        assert "Traceback" not in text
        said[" ".join(arguments)] = done
    assert SHOWN in said["check spec.json"].stdout
    assert SHOWN in said[f"evaluate runs/{ODD}"].stdout
    assert SHOWN[:70] in said["diff spec.json features.json"].stdout  # long values are cut
    assert said[f"run spec.json --out runs/{ODD}"].returncode == 0


def test_escapes_keep_the_meaning_of_json_and_toml(folder, declnet_cli):
    shown = tomllib.loads(declnet_cli.succeeds("show", "features.json"))
    assert shown["data"]["train"]["features"] == [ODD]
    problems = json.loads(declnet_cli("check", "wrong.json", "--format", "json").stdout)["problems"]
    assert problems[0]["path"] == ODD
    declnet_cli.succeeds("run", "spec.json", "--out", "run")
    evaluation = json.loads(declnet_cli.succeeds("evaluate", "run", "--format", "json"))
    assert json.dumps(ODD) in json.dumps(evaluation)


def test_a_pipe_gets_raw_predictions_and_a_terminal_a_line_for_each(
    folder, declnet_cli, on_terminal
):
    declnet_cli.succeeds("run", "spec.json", "--out", "run")
    assert ODD in declnet_cli.succeeds("predict", "run", "table.csv")
    with Path("/dev/full").open("w") as full:
        code, message = written_to(full, ["predict", "run", "table.csv"], folder)
    assert (code, message) == (1, "error: cannot write the output: No space left on device\n")
    lines = on_terminal("predict", "run", "table.csv", "--id", ODD, columns=400).text.splitlines()
    assert len(lines) == 11
    assert SHOWN in lines[0]


def test_a_terminal_gets_wrapped_sentences_and_unbroken_paths_and_commands(
    on_terminal, declnet_cli, tmp_path
):
    """A pipe gets one line for each."""
    rows = "\n".join(["first,second,answer", *(f"{n},{n % 7},{n % 2}" for n in range(60)), ""])
    (tmp_path / "table.csv").write_text(rows)
    name = f"{'specs-of-a-project-' * 4}.toml"
    command = "new", name, "--data", "table.csv", "--target", "answer"
    screen = on_terminal(*command, columns=60)
    piped = declnet_cli(*command, "--force")
    *_, unused, written, run, _ = (piped.stderr + piped.stdout).split("\n")
    assert len(unused) > 60
    assert run == f"  declnet run {name}"
    lines = screen.text.splitlines()
    assert lines[-5:] == [
        'note: not used to predict: "first"; see',
        f"  {name}",
        f"{name}:",
        "  written. Next:",
        run,
    ]
    assert all(len(line) <= 60 for line in lines[:-5])
    assert " ".join(lines[-5:-1]).split() == [*unused.split(), *written.split()]


def written_to(target, arguments, folder):
    """Return the exit code and stderr of a process whose output goes to a file or descriptor."""
    code = "from declnet.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdout=target,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, done.stderr


def status_of(run):
    return json.loads((run / "manifest.json").read_text())["status"]


def test_a_run_finishes_when_its_output_cannot_be_written(folder):
    reads, writes = os.pipe()
    os.close(reads)
    assert written_to(writes, ["run", "spec.json", "--out", "pipe"], folder) == (0, "")
    os.close(writes)
    with Path("/dev/full").open("w") as full:
        code, said = written_to(full, ["run", "spec.json", "--out", "full"], folder)
    assert (code, said) == (1, "error: cannot write the output: No space left on device\n")
    shell = f"{sys.executable} -c 'from declnet.cli.main import main; main()'"
    closed = f"{shell} run spec.json --out closed >&-"
    assert subprocess.run(closed, check=False, shell=True, cwd=folder).returncode == 0
    for name in ("pipe", "full", "closed"):
        assert status_of(folder / name) == "finished"
