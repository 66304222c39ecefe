"""`declnet diff` of specs, and of predictions."""

from __future__ import annotations

import json

import declnet

from .conftest import by_name, rows


def test_a_run_is_compared_by_the_spec_that_it_ran(declnet_cli, spec_file, document):
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "out", "--set", "training.epochs=2")
    assert by_name(declnet_cli.succeeds("diff", "out", spec))["training.epochs"] == ["2", "3"]
    assert declnet_cli.succeeds("diff", "out", "out") == "no differences\n"


def test_what_cannot_be_compared_is_refused(refused, spec_file, document):
    spec_file(document)
    spec_file({**document, "seed": -1}, "wrong.json")
    for other, message in (
        ("absent.toml", "absent.toml"),
        (".", "this is not a run's folder"),
        ("wrong.json", 'error[E013]: "seed" must be at least 0, not -1\n'),
    ):
        assert message in refused("diff", "spec.json", other)


def test_predictions_of_two_runs_are_compared(flowers, declnet_cli, tmp_path):
    document = json.loads((flowers.folder / "flowers.json").read_text("utf-8"))
    document["data"]["train"]["path"] = str(flowers.table)
    document["training"]["epochs"] = 5
    other = declnet.run(declnet.parse_spec(document), out=tmp_path / "other").directory
    lines = flowers.table.read_text("utf-8").splitlines()
    lines[4] = "long,red,2,rose"
    (tmp_path / "rows.csv").write_text("\n".join(lines), "utf-8")
    labels = []
    for run in (flowers.run, other):
        options = ("--on-error", "empty", "--format", "jsonl")
        out = declnet_cli("predict", run, "rows.csv", *options).stdout
        labels.append([json.loads(line)["prediction"] for line in out.splitlines()])
    flips = [at for at, pair in enumerate(zip(*labels, strict=True), 1) if len({*pair}) > 1]

    diff = ("diff", flowers.run, other, "--data", "rows.csv")
    done = declnet_cli(*diff, "--limit", "3")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert f"prediction: another class in {len(flips)} rows, {len(flips) / 119:.2%}" in lines
    message = 'neither could predict 1 row (4): row 4, column "length": "long" is not a number'
    assert message in lines
    assert lines[-1].startswith("different: 119 of 120 rows compared, ")
    first = [str(len(flips)), "-", "-", str(flips[0])]
    assert by_name(done.stdout)["prediction"][:4] == first
    assert len(rows(done.stdout.partition("First differences")[2])) == 2 + 3 + 3

    done = declnet_cli(*diff, "--format", "json")
    assert done.returncode == 1
    content = json.loads(done.stdout)
    assert content["outputs"][0]["rows"] == len(flips)
    assert content["neither"]["rows"] == [4]
    assert not content["equal"]
    numbers = [output for output in content["outputs"] if not output["is_label"]]
    largest = max(output["absolute"] for output in numbers)
    same = declnet_cli(*diff, "--atol", str(largest), "--rtol", "0", "--format", "json")
    assert {output["rows"] for output in json.loads(same.stdout)["outputs"][1:]} == {0}
    equal = declnet_cli.succeeds("diff", flowers.run, flowers.run, "--data", flowers.table)
    assert equal.splitlines()[-1].startswith("equal: 120 of 120 rows compared, ")


def test_options_of_predictions_need_rows(refused, spec_file, document):
    spec_file(document)
    message = refused("diff", "spec.json", "spec.json", "--rtol", "0.1")
    assert "--rtol needs --data, the rows to predict" in message
    assert "there is no such folder" in refused("diff", "a", "b", "--data", "rows.csv")
    refusal = refused("diff", "x" * 300, "b", "--data", "rows.csv")
    assert "xxx: cannot be read: File name too long" in refusal
    for value in ("nan", "inf"):
        refusal = refused("diff", "a", "b", "--data", "rows.csv", "--rtol", value)
        assert "Invalid value for --rtol: not a finite number" in refusal


def test_keys_are_printed_for_programs(declnet_cli, spec_file, document):
    spec_file(document)
    spec_file({**document, "seed": 9}, "other.json")
    out = declnet_cli.succeeds("diff", "spec.json", "other.json", "--format", "json")
    assert json.loads(out)["seed"][1] == "9"
