"""`declnet compare` and `declnet runs`."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from statistics import fmean, stdev

import pytest

from declnet import DivergenceError, parse_spec, run
from declnet.display.tables import format_spread
from declnet.runs.storage.documents import MANIFEST_FILE, Manifest, StoredInput

from .conftest import by_name, rows


@pytest.fixture
def runs(document, tmp_path):
    """Three runs of different rates, the second with Adam, the last one failed, in `runs`."""
    document["training"]["epochs"] = 30
    for number, rate in enumerate((0.001, 1.0, 1e200), start=1):
        document["optimizer"] = {"type": "adam" if number == 2 else "sgd", "learning_rate": rate}
        with pytest.raises(DivergenceError) if rate == 1e200 else nullcontext():
            run(parse_spec(document), out=tmp_path / "runs" / f"small-{number}")
    return tmp_path / "runs"


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize(("second", "bold"), [("small-1", 0), ("small-2", 1)])
def test_the_best_value_is_bold_on_a_terminal_if_there_is_one(on_terminal, runs, second, bold):
    raw = on_terminal("compare", "runs/small-1", f"runs/{second}").raw
    (line,) = (line for line in raw.splitlines() if "train.loss" in line)
    assert line.count("\x1b[1m") == bold


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: there is no such folder"),
        (["empty"], "this is not a run's folder"),
        (["runs/small-1", "--sort", "acc"], 'no run has the metric "acc"'),
        (["changed"], "changed/small-1/metrics.json: changed since the run ended"),
        (["damaged"], "damaged/manifest.json: cannot be read: nested too deeply"),
    ],
)
def test_what_cannot_be_compared_is_refused(refused, runs, arguments, message):
    (runs.parent / "empty").mkdir()
    shutil.copytree(runs, runs.parent / "changed")
    (runs.parent / "changed/small-1/metrics.json").write_text('{"train": {"loss": 0}}')
    shutil.copytree(runs / "small-1", runs.parent / "damaged")
    (runs.parent / "damaged/manifest.json").write_text("[" * 100_000)
    assert message in refused("compare", *arguments)


@pytest.fixture
def distances(document, changed, tmp_path):
    """Two runs with a metric whose name does not imply a direction; `near` is better."""
    changes = {
        "model.layers": [{"type": "dense", "units": 1}],
        "loss": "mean_squared_error",
        "training.metrics": [{"type": "mean_absolute_error", "name": "distance"}],
        "training.epochs": 30,
    }
    for name, rate in (("far", 0.001), ("near", 0.1)):
        more = {"optimizer": {"type": "adam", "learning_rate": rate}}
        run(parse_spec(changed(document, changes | more)), out=tmp_path / name)
    return "far", "near"


def test_the_direction_is_that_of_the_metric_whatever_it_is_called(declnet_cli, distances):
    for options, columns in (
        ([], ["far", "near"]),
        (["--sort", "distance"], ["near", "far"]),
        (["--sort", "train.distance", "--descending"], ["far", "near"]),
        (["--sort", "distance", "--ascending"], ["near", "far"]),
    ):
        assert declnet_cli.succeeds("compare", *distances, *options).split()[:2] == columns


def listed(out):
    head, _, *table_rows = rows(out)
    return [dict(zip(head, row, strict=True)) for row in table_rows]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ("--sort train.loss --reverse", "123"),
        ("--sort accuracy", "213"),
        ("--sort name --reverse", "321"),
        ("--sort name --descending --reverse", "123"),
        ("--sort accuracy --ascending", "123"),
        ("--sort loss --descending", "123"),
        ("--filter status=failed", "3"),
        ("--filter optimizer.learning_rate=1e-3", "1"),
        ("--filter optimizer.learning_rate=1", "2"),
        ("--filter status=finished --filter model.layers.dense_1.units=4", "12"),
        ("--filter name=small --filter seed=1 --filter status=failed", "3"),
        ("--filter seed=2", ""),
    ],
)
def test_runs_are_sorted_and_filtered(declnet_cli, runs, options, numbers):
    shown = json.loads(declnet_cli.succeeds("runs", "--format", "json", *options.split()))
    assert [run["name"] for run in shown] == [f"small-{number}" for number in numbers]


def test_the_runs_of_a_group_are_one_row_that_expands(declnet_cli, runs, spec_file, document):
    document["optimizer"] = "sgd"
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--seeds", "8..10", "--quiet")
    rates = "optimizer.learning_rate=0.001,0.5"
    declnet_cli.succeeds("sweep", spec, "--set", rates, "--seeds", "0..1", "--quiet")
    table = by_name(declnet_cli.succeeds("runs", "--sort", "name"))
    values = [metrics(runs / f"small-seeds-1/seed-{n}")["train"]["accuracy"] for n in (8, 9, 10)]
    spread = format_spread(fmean(values), stdev(values))
    assert table["small-seeds-1"][:4] == ["3 seeds", "finished", "30", spread]
    swept, best = table["small-sweep-1"], []
    for point in ("0.001", "0.5"):
        folder = runs / f"small-sweep-1/small-learning_rate={point}"
        accuracies = (metrics(folder / f"seed-{n}")["train"]["accuracy"] for n in (0, 1))
        best.append(fmean(accuracies))
    assert swept[:2] == ["sweep: best of 2", "finished"]
    assert float(swept[3].split()[0]) == pytest.approx(max(best), abs=0.006)
    assert list(table)[5:7] == ["small-seeds-1", "small-sweep-1"]
    opened = listed(declnet_cli.succeeds("runs", "--sort", "name", "--all"))
    names = [run["name"] for run in opened]
    assert names[3:6] == ["small-seeds-1/seed-10", *(f"small-seeds-1/seed-{n}" for n in (8, 9))]
    assert len(names) == 3 + 3 + 4


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("manifest.json", "[]", "manifest.json: cannot be read: must be an object"),
        ("manifest.json", "{}", 'manifest.json: cannot be read: key "status": is missing'),
        ("manifest.json", "[" * 100_000, "manifest.json: cannot be read: nested too deeply"),
        ("manifest.json", '{"status": "finished", "seconds": []}', "manifest.json: "),
        ("metrics.json", '{"train": 3}', 'metrics.json: cannot be read: key "train": must be an'),
        (
            "metrics.json",
            '{"train": {"loss": "x"}}',
            'metrics.json: cannot be read: key "train.loss": must be a valid number',
        ),
        ("metrics.json", f'{{"train": {{"loss": {10**400}}}}}', "metrics.json: cannot be read: 10"),
        ("manifest.json", f'{{"status": "", "seconds": {10**400}}}', "manifest.json: "),
        ("spec.toml", "a = ", ""),
        ("history.jsonl", '{"epoch": "x"}\n', "history.jsonl: cannot be read: "),
    ],
)
def test_a_damaged_run_is_skipped_by_name(declnet_cli, runs, file, content, reason):
    shutil.copytree(runs / "small-1", runs / "bad")
    (runs / "bad" / file).write_text(content)
    done = declnet_cli("runs")
    assert done.returncode == 0
    assert done.stderr.startswith(f"skipped runs/bad: damaged: {reason}")
    assert len(done.stderr.splitlines()) == 1
    assert len(listed(done.stdout)) == 3


NO_RUNS = ("around", "empty", "pictures", "unreadable")


def test_folders_that_are_not_runs_are_skipped_by_name(declnet_cli, runs):
    (runs / "pictures" / "old").mkdir(parents=True)
    (runs / "empty").mkdir()
    (runs / ".hidden").mkdir()
    (runs / "a file").touch()
    (runs / "around").symlink_to(runs)
    with (runs / "small-3/history.jsonl").open("a") as file:
        file.write('{"epoch": 12, "lo')  # as a kill may leave it
    (runs / "unreadable").mkdir()
    (runs / "unreadable/manifest.json").symlink_to("n" * 300)  # fails for root too
    done = declnet_cli("runs")
    assert done.returncode == 0
    assert "skipped runs/unreadable: cannot be read: File name too long\n" in done.stderr
    skipped = [line.partition(":")[0] for line in done.stderr.splitlines()]
    assert skipped == [f"skipped runs/{name}" for name in NO_RUNS]
    finished, _, failed = listed(done.stdout)
    assert (finished["status"], finished["epochs"]) == ("finished", "30")
    assert (failed["status"], failed["train.loss"]) == ("failed", "-")
    assert failed["epochs"].endswith(" of 30")
    assert declnet_cli.succeeds("runs", "runs/pictures/old") == "no runs\n"
    assert declnet_cli("runs", "--filter", "seed=2").stdout == "no run matches the filter\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: there is no such folder"),
        (["data.npz"], "data.npz: is a file, not a folder"),
        (["n" * 300], "n: File name too long"),
        (["--sort", "accuracyy"], 'no run has "accuracyy"'),
        (["--sort", "test.loss"], 'did you mean "train.loss"?'),
        (["--filter", "status"], '"status" is not a filter; write KEY=VALUE'),
        (["--filter", "optimizer.typ=sgd"], 'did you mean "optimizer.type"?'),
    ],
)
def test_what_cannot_be_listed_is_reported(refused, runs, arguments, message):
    assert message in refused("runs", *arguments)


def test_a_narrow_terminal_shows_the_metrics_that_fit(on_terminal, declnet_cli, document, tmp_path):
    names = ["accuracy", "f1", "precision", "recall", "top_k_accuracy"]
    document["training"] |= {"epochs": 1, "metrics": [*names[:-1], {"type": names[-1], "k": 2}]}
    run(parse_spec(document), out=tmp_path / "runs" / "small-1")
    narrow = on_terminal("runs", "--sort", "loss", columns=100)
    assert max(map(len, narrow.lines)) <= 100
    assert "accuracy" in narrow.text
    assert "loss" in narrow.text
    assert "not shown: " in narrow.text
    assert "(COLUMNS=" in narrow.text
    assert "train.top_k_accuracy" in declnet_cli.succeeds("runs")


@pytest.fixture
def thirty(tmp_path, renew_checksums):
    """Thirty runs that were not trained, of ten rates and three seeds."""
    for number in range(30):
        folder = tmp_path / "runs" / f"run-{number}"
        folder.mkdir(parents=True)
        accuracy = (number * 7 % 30) / 30
        manifest = Manifest(
            status="finished",
            name="small",
            seed=number % 3,
            spec="",
            started=f"2026-01-{number + 1:02}T00:00:00+00:00",
            inputs=(StoredInput(shape=(2,), dtype="float"),),
            data={},
            better={"accuracy": "higher", "loss": "lower"},
            components={},
            engine={},
            blas={},
            **dict.fromkeys(("declnet", "python", "numpy", "platform", "machine"), ""),
        )
        (folder / "manifest.json").write_bytes(MANIFEST_FILE.write(manifest))
        (folder / "metrics.json").write_text(
            json.dumps({"test": {"accuracy": accuracy, "loss": 1}})
        )
        rate = f"[optimizer]\nlearning_rate = {(number // 3 + 1) / 100}\n"
        (folder / "spec.toml").write_text(f"seed = {number % 3}\n{rate}")
        renew_checksums(folder)
    return tmp_path / "runs"


def test_many_runs_have_a_row_each_and_the_best_are_shown(declnet_cli, thirty):
    out = declnet_cli.succeeds("compare", "runs")
    head, _, *table_rows, last = rows(out)
    assert head == [
        "status",
        "optimizer.learning_rate",
        "seed",
        "test.accuracy",
        "test.loss",
        "seconds",
    ]
    assert len(table_rows) == 20
    assert table_rows[0] == ["runs/run-17", "finished", "0.06", "2", "0.9667", "1.000", "-"]
    assert last == ["the best by test.accuracy of 30; 10 more runs with --all or --format json"]
    assert len(rows(declnet_cli.succeeds("compare", "runs", "--all"))) == 32
    low = declnet_cli.succeeds("compare", "runs", "--sort", "accuracy", "--ascending")
    assert rows(low)[2][0] == "runs/run-0"
    few = declnet_cli.succeeds("compare", *(f"runs/run-{number}" for number in range(9)))
    assert [row[0] for row in rows(few)[2:]] == [f"runs/run-{number}" for number in range(9)]


def test_a_terminal_gets_the_columns_that_fit(on_terminal, thirty):
    screen = on_terminal("compare", "runs", columns=60)
    assert max(len(line) for line in screen.lines if "─" in line or "run-" in line) <= 60
    assert "test.accuracy" in screen.text
    assert "(COLUMNS=" in " ".join(screen.text.split())
