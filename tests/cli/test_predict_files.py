"""`declnet predict` of many files into a folder."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

import declnet

KILLS = int(os.environ.get("DECLNET_TEST_FILE_KILLS", "1"))
HEADER = "length,color,width\n"


def write_rows(path, first, count):
    rows = (f"{(first + at) % 9 / 2},red,{at % 7 - 3}\n" for at in range(count))
    path.write_text(HEADER + "".join(rows), "utf-8")


@pytest.fixture
def inputs(tmp_path):
    """Write six files of different rows to the folder `in`."""
    (tmp_path / "in").mkdir()
    for number in range(6):
        write_rows(tmp_path / "in" / f"part-{number}.csv", number, 20 + number)
    return tmp_path / "in"


@pytest.fixture
def expected(inputs, flowers, declnet_cli):
    """Return what `declnet predict` prints for a file alone."""
    return lambda name, *options: declnet_cli.succeeds(
        "predict", flowers.run, inputs / name, *options
    )


def children(process):
    """Return the child processes of a process, as Linux lists them."""
    try:
        return [
            int(child)
            for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()
        ]
    except OSError:
        return []


def outputs(folder):
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("[!.]*"))}


@pytest.mark.parametrize("paths", [["in/*.csv"], ["in"], ["in/part-0.csv", "in/part-[1-9].csv"]])
def test_each_file_is_predicted_as_alone(paths, inputs, expected, flowers, declnet_cli, tmp_path):
    (inputs / "_SUCCESS").touch()
    out = declnet_cli.succeeds("predict", flowers.run, *paths, "-o", "out/", "--id", "color")
    assert out.startswith("out: 6 files, 135 rows; ")
    assert out.endswith(" rows/s\n")
    assert outputs(tmp_path / "out") == {
        path.name: expected(path.name, "--id", "color") for path in inputs.glob("*.csv")
    }


def test_outputs_are_never_read_as_inputs(inputs, flowers, declnet_cli, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "out")
    (tmp_path / "out").mkdir()
    for folder in ("out/", tmp_path / "out", "in/../link"):
        declnet_cli.succeeds("predict", flowers.run, "**/*.csv", "-o", folder)
        assert len(outputs(tmp_path / "out")) == len(list(inputs.iterdir()))


def test_another_format_and_unreadable_files(inputs, expected, flowers, declnet_cli, tmp_path):
    (inputs / "notes.xyz").touch()
    done = declnet_cli("predict", flowers.run, "in", "-o", "out/", "--format", "jsonl")
    assert done.returncode == 0
    assert done.stderr == "note: left out 1 file that no data source reads: in/notes.xyz\n"
    written = outputs(tmp_path / "out")
    assert list(written) == [f"part-{number}.jsonl" for number in range(6)]
    assert written["part-3.jsonl"] == expected("part-3.csv", "--format", "jsonl")


def test_up_to_date_files_are_skipped(inputs, expected, flowers, declnet_cli, refused, tmp_path):
    def predict(*options):
        done = declnet_cli("predict", flowers.run, "in/*.csv", "-o", "out", *options)
        return done.returncode, done.stdout.partition("; ")[2].partition("; ")[0], done.stderr

    def times():
        return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.csv")}

    (tmp_path / "out").mkdir()
    (inputs / "part-5.csv").write_text("length,color\n1,red\n", "utf-8")
    code, _, stderr = predict()
    assert code == 1
    assert stderr.startswith('error: in/part-5.csv: there is no column "width"')
    assert stderr.count("\n") == 1
    first = times()
    assert set(first) == {f"part-{number}.csv" for number in range(5)}

    write_rows(inputs / "part-5.csv", 5, 25)
    write_rows(inputs / "part-2.csv", 2, 30)
    assert predict() == (0, "4 up to date", "")
    assert {name for name, at in first.items() if times()[name] != at} == {"part-2.csv"}
    assert outputs(tmp_path / "out")["part-2.csv"] == expected("part-2.csv")

    shutil.copytree(tmp_path / "out", tmp_path / "copy")  # with other times
    shutil.rmtree(tmp_path / "out")
    shutil.copytree(tmp_path / "copy", tmp_path / "out", copy_function=shutil.copyfile)
    before = times()
    assert predict() == (0, "6 up to date", "")
    assert times() == before


def test_files_that_it_did_not_write_are_not_replaced(
    inputs, expected, flowers, declnet_cli, refused, tmp_path
):
    document = json.loads((flowers.folder / "flowers.json").read_text("utf-8"))
    document["data"]["train"]["path"] = str(flowers.table)
    document["training"]["epochs"] = 1
    other = declnet.run(declnet.parse_spec(document), out=tmp_path / "other").directory
    arguments = ["in/*.csv", "-o", "out"]
    declnet_cli.succeeds("predict", other, *arguments)
    (tmp_path / "out/part-5.csv").unlink()
    before = outputs(tmp_path / "out")
    message = "(and 4 other outputs): it exists already, but is not what this model predicted"
    assert message in refused("predict", flowers.run, *arguments)
    assert message in refused("predict", other, *arguments, "--on-error", "empty")
    (tmp_path / "out/part-1.csv").write_text("edited", "utf-8")
    assert "out/part-1.csv: it exists already" in refused("predict", other, *arguments)
    assert outputs(tmp_path / "out") == {**before, "part-1.csv": "edited"}
    declnet_cli.succeeds("predict", flowers.run, *arguments, "--force")
    assert outputs(tmp_path / "out")["part-1.csv"] == expected("part-1.csv")
    assert "6 up to date" in declnet_cli.succeeds("predict", flowers.run, *arguments, "--force")


def test_shards_and_jobs_write_what_one_process_writes(inputs, flowers, declnet_cli, tmp_path):
    (inputs / "part-5.csv").rename(inputs / os.fsdecode(b"p\xe4rt\n.csv"))
    declnet_cli.succeeds("predict", flowers.run, "in", "-o", "whole", "--jobs", "2")
    for number in (1, 2, 3, 4):
        declnet_cli.succeeds("predict", flowers.run, "in", "-o", "parts", "--shard", f"{number}/4")
        names = sorted(path.name for path in inputs.iterdir())
        expected = {name for at, name in enumerate(names) if at % 4 < number}
        assert set(outputs(tmp_path / "parts")) == expected
    assert outputs(tmp_path / "parts") == outputs(tmp_path / "whole")
    for path in inputs.iterdir():
        path.write_text("length\n1\n", "utf-8")
    done = declnet_cli("predict", flowers.run, "in", "-o", "bad/", "--jobs", "2")
    assert (done.returncode, done.stderr.count('csv: there is no column "color"')) == (1, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("in/*.csv", "several files are predicted into a folder: -o FOLDER/"),
        (
            "in/part-0.csv in/part-1.csv -o x.csv",
            "several files are predicted into a folder: -o x/",
        ),
        ("in -o in", "in/part-0.csv: one of the inputs; name another folder with -o"),
        ("in/part-0.csv twin/part-0.csv -o out/", "the output of both in/part-0.csv and twin/part"),
        ("in/*.txt -o out/", "in/*.txt: no file matches"),
        ("in/part-0.csv absent.csv -o out/", "absent.csv: there is no such file"),
        (f"in/part-0.csv {'x' * 300} -o out/", "xxx: cannot be read: File name too long"),
        ("twin -o x.csv", "twin"),
        ("in/part-0.csv - -o out/", "standard input has no file name for an output in a folder"),
        ("in/part-0.csv --jobs 2", "--jobs needs several files and a folder: -o FOLDER/"),
        ("in/part-0.csv -o x.csv --shard 1/2", "--shard needs several files and a folder"),
        ("in -o out/ --shard 3/2", "they are numbered from 1 to 2"),
        ("in -o out/ --format npy --id color", "npy holds the predictions alone: leave out --id"),
    ],
)
def test_what_cannot_be_predicted_together_is_refused(
    arguments, message, inputs, flowers, refused, tmp_path
):
    shutil.copytree(inputs, tmp_path / "twin")
    assert message in refused("predict", flowers.run, *arguments.split())
    assert not (tmp_path / "out").exists() or not outputs(tmp_path / "out")


@pytest.fixture(scope="module")
def predicted(command_in, flowers, tmp_path_factory):
    """A folder with six files of many rows in `in`, and their predictions in `whole`."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "in").mkdir()
    for number in range(6):
        write_rows(folder / "in" / f"part-{number}.csv", number, 12_000)
    command_in(folder).succeeds("predict", flowers.run, "in", "-o", "whole")
    return folder


@pytest.fixture
def many(predicted, tmp_path):
    """Write files of many rows to the folder `in`, and return the predictions of all."""
    shutil.copytree(predicted / "in", tmp_path / "in")
    return outputs(predicted / "whole")


@pytest.mark.parametrize("jobs", [1, 2])
def test_kills_leave_whole_files_and_lose_none(jobs, many, flowers, declnet_cli, tmp_path):
    folder, draw = tmp_path / "out", random.Random(jobs)

    def finished():
        for name, text in outputs(folder).items():
            assert text == many[name]
        return {path: path.stat().st_mtime_ns for path in folder.glob("*.csv")}

    def start():
        return declnet_cli.start("predict", flowers.run, "in", "-o", "out/", "--jobs", jobs)

    kills, before = 0, {}
    while kills < KILLS:
        process = start()
        while process.poll() is None and len(list(folder.glob("[!.]*"))) == len(before):
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        kills += process.poll() is None
        process.kill()
        process.communicate()
        after = finished()
        assert before.items() <= after.items()
        before = after
        if len(before) == len(many):
            shutil.rmtree(folder)
            before = {}
    out, err = start().communicate()
    assert err == ""
    assert "failed" not in out
    assert before.items() <= finished().items()
    assert outputs(folder) == many
    assert {path.name for path in folder.iterdir()} == {*many, ".predictions"}


def test_workers_use_what_the_command_unpacked(inputs, flowers, command_in, tmp_path):
    declnet.pack_run(flowers.run, tmp_path / "flowers.declnet")
    (tmp_path / "no-cache").touch()
    (tmp_path / "temporary").mkdir()
    environment = {
        "DECLNET_CACHE_DIR": str(tmp_path / "no-cache"),
        "TMPDIR": str(tmp_path / "temporary"),
    }
    command_line, unpacked = command_in(tmp_path, **environment), set()
    process = command_line.start("predict", "flowers.declnet", "in", "-o", "out/", "--jobs", "2")
    while process.poll() is None:
        unpacked |= {path.name for path in (tmp_path / "temporary").glob("declnet-packs-*")}
        time.sleep(0.01)
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert len(outputs(tmp_path / "out")) == 6
    assert len(unpacked) == 1


def test_an_interrupt_stops_all_processes(many, flowers, declnet_cli, tmp_path):
    folder = tmp_path / "out"
    process = declnet_cli.start("predict", flowers.run, "in", "-o", "out/", "--jobs", "2")
    while not folder.exists() or not outputs(folder):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert err.lstrip().startswith("interrupted\n")
    assert "of 6 files are predicted; the same command predicts the others\n" in err
    assert outputs(folder).items() <= many.items()
    assert {path.name for path in folder.iterdir()} <= {*many, ".predictions"}


def test_a_worker_that_dies_costs_one_file(many, flowers, declnet_cli, tmp_path):
    """Two workers are killed at work; others take their place."""
    folder = tmp_path / "out"
    process = declnet_cli.start("predict", flowers.run, "in", "-o", "out/", "--jobs", "2")
    while not folder.exists() or not outputs(folder):
        time.sleep(0.01)
    (child,) = children(process.pid) or pytest.skip("only Linux lists the children of a process")
    for worker in children(child):
        os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    errors = err.splitlines()
    written = outputs(folder)
    assert process.returncode == bool(errors)
    failed = {line.partition(": in/")[2].partition(":")[0] for line in errors}
    assert failed | set(written) == set(many)  # one may be killed when its output is complete
    assert len(errors) <= 2
    assert all(line.endswith("its worker process ended with exit status -9") for line in errors)
    assert out.startswith(f"out: {6 - len(errors)} files, ")
    assert written.items() <= many.items()


def test_a_terminal_shows_the_progress(inputs, flowers, on_terminal, tmp_path):
    screen = on_terminal("predict", flowers.run, "in", "-o", "out/", stdout=False)
    assert screen.code == 0
    assert re.search(r"file \d/6 .* rows .* left: ", screen.text)
    assert len(outputs(tmp_path / "out")) == 6
