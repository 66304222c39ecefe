"""Out of fold, no row influences the epoch, calibration or weights that predict it."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import Callback, Group, open_group, open_run, parse_spec
from declnet.data.splits import parts_of_validation
from declnet.runs.many.selection import selected_weights
from declnet.spec.data_section import DataSpec
from declnet.testing.examples import registry_with

ROWS, FOLDS, PARTS = 150, 3, 5
SEEN = []


def noise():
    rng = np.random.default_rng(2)
    return declnet.Dataset(rng.normal(size=(ROWS, 4)), rng.integers(0, 2, ROWS))


LAST = [{"type": "dense", "units": 2}, "softmax"]


def network(units, last=LAST):
    return {"layers": [{"type": "dense", "units": units}, "relu", *last]}


def spec_of(*callbacks, **top):
    return {
        "declnet": 1,
        "data": {"folds": FOLDS},
        "model": network(24),
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 30, "metrics": ["log_loss"], "callbacks": list(callbacks)},
        "calibration": {"steps": ["temperature"]},
        **top,
    }


def with_members(*callbacks):
    members = [{"name": f"network_{n}", "model": network(n)} for n in (2, 6, 24)]
    spec = spec_of(*callbacks, members=members, weights="selected")
    del spec["model"]
    return spec


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    out = tmp_path_factory.mktemp("members") / "out"
    declnet.run(with_members("best_epoch"), {"train": noise()}, out=out)
    return open_group(out)


def test_labels_without_a_signal_are_predicted_no_better_than_chance(group):
    def losses(by_models):
        parts = group.examined("validation", {"train": noise()}, by_models=by_models)
        outputs = np.concatenate([part.outputs()[""] for part in parts])
        labels = np.concatenate([part.targets()[0] for part in parts])
        return -np.log(outputs[np.arange(ROWS), labels])

    honest, by_models = losses(by_models=False), losses(by_models=True)
    assert honest.mean() > np.log(2) - honest.std() / ROWS**0.5
    # which the models are, since these labels have selected them
    assert by_models.mean() < np.log(2) - by_models.std() / ROWS**0.5
    predicted = group.out_of_fold({"train": noise()}).probabilities
    reported = -np.log(predicted[np.arange(ROWS), noise().y])
    assert reported.mean() == pytest.approx(honest.mean())


def test_the_other_folds_select_the_weights_for_a_fold(group):
    without = group.file.model_copy(update={"weights": group.weights | {"network_2": 0.0}})
    alike, data = Group(group.path, without), {"train": noise()}
    alone = alike.examined_alone("validation", data)
    finished = alike.examined_alone("validation", data, by_models=True)
    assert alone.keys() == group.weights.keys()
    for number in range(1, FOLDS + 1):
        others = [
            [part for part in parts if part.predictor.spec.data.fold != number]
            for parts in ([*alone[name], *finished[name]] for name in alone)
        ]
        selected = dict(zip(alone, selected_weights(others)[0], strict=True))
        assert group.file.fold_weights[f"fold-{number}"] == selected
        for part in group.examined("validation", {"train": noise()}):
            if part.predictor.spec.data.fold == number:
                weights = [weight for weight in selected.values() if weight]
                assert list(part.predictor.weights) == weights
    assert len({str(weights) for weights in group.file.fold_weights.values()}) > 1


def test_the_finished_models_influence_the_weights(tmp_path):
    rows = noise()
    labels = (rows.x[:, 0] + 0.5 * rows.x[:, 1] ** 2 + rows.y > 0.7).astype(int)
    data = {"train": declnet.Dataset(rows.x, labels)}
    declnet.run(with_members("best_epoch"), data, out=tmp_path / "out")
    group = open_group(tmp_path / "out")
    parts = group.examined_alone("validation", data)
    finished = group.examined_alone("validation", data, by_models=True)
    both = [[*parts[name], *finished[name]] for name in parts]
    assert list(group.weights.values()) == selected_weights(both)[0]
    assert list(group.weights.values()) != selected_weights(list(parts.values()))[0]


class Picks(Callback):
    """A third-party selection of the epoch with the lowest log loss, which records its data."""

    type = "picks"
    selects_epoch = True

    def monitors(self):
        return ("validation_log_loss",)

    def start(self, run):
        return {"run": run, "best": np.inf}

    def after_epoch(self, state, epoch):
        if state["run"].directory is not None:
            SEEN.append(state["run"].model.predict(noise().x))
        value = epoch.metric("validation_log_loss")
        if value < state["best"]:
            state["best"] = value
            state["run"].restore_parameters(state["run"].model.parameters())


def test_each_part_is_predicted_by_the_epoch_and_calibration_that_the_others_select(tmp_path):
    SEEN.clear()
    registry = registry_with([Picks])
    document = spec_of("picks", data={"folds": FOLDS, "fold": 2})
    spec = parse_spec(document, registry)
    declnet.run(spec, {"train": noise()}, out=tmp_path / "out", registry=registry)
    run = open_run(tmp_path / "out", registry)
    rows = run.raw_sets({"train": noise()})["validation"].row_numbers - 1
    held_out, y = run.held_out, noise().y[rows]
    assert sorted(np.bincount(held_out.part_of)) == [ROWS // FOLDS // PARTS] * PARTS
    outputs = [seen[rows] for seen in SEEN]
    losses = np.array([-np.log(epoch[np.arange(len(y)), y]) for epoch in outputs])
    epochs = [losses[:, held_out.part_of != part].mean(axis=1).argmin() for part in range(PARTS)]
    assert len({*epochs, int(losses.mean(axis=1).argmin())}) > 1
    for part, epoch in enumerate(epochs):
        at = held_out.part_of == part
        np.testing.assert_allclose(held_out.outputs[""][at], outputs[epoch][at], rtol=1e-5)
        (step,) = held_out.calibrations[part][""].steps
        others = outputs[epoch][~at].astype(float)
        np.testing.assert_allclose(
            step.calibrator.apply(others, step.calibrator.fit(others, y[~at], "classes")),
            step.calibrator.apply(others, step.state),
            rtol=1e-4,
        )


def test_it_is_the_same_after_an_interruption_and_in_other_processes(group, tmp_path):
    spec = with_members("best_epoch", {"type": "checkpoint", "every_epochs": 4})
    out = tmp_path / "out"

    def interrupted(event):
        if getattr(event, "epoch", 0) == 22 and (out / "network_6/fold-1").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        declnet.run(spec, {"train": noise()}, out=out, jobs=1, listener=interrupted)
    assert not (out / "network_6/fold-1/held_out.safetensors").exists()
    declnet.resume(out, {"train": noise()})
    files = [path.relative_to(out) for path in out.glob("*/*/held_out.safetensors")]
    assert len(files) == 3 * FOLDS
    for name in (*files, "out_of_fold.csv"):
        assert (out / name).read_bytes() == (group.path / name).read_bytes(), name
    assert open_group(out).file.fold_weights == group.file.fold_weights


def test_what_nothing_selects_is_predicted_by_the_models(tmp_path):
    spec = spec_of()
    del spec["calibration"]
    declnet.run(spec, {"train": noise()}, out=tmp_path / "out")
    assert not [*tmp_path.glob("out/*/held_out.safetensors")]
    parts = open_group(tmp_path / "out").examined("validation", {"train": noise()})
    assert [len(part) for part in parts] == [ROWS // FOLDS] * FOLDS


@pytest.mark.parametrize("method", ["time", "grouped", "stratified"])
def test_parts_are_made_as_folds_are(method):
    rng = np.random.default_rng(0)
    key = rng.integers(0, 7, 60)
    table = declnet.Table({"key": key}, target="key")
    split = {"method": method, **({"column": "key"} if method != "stratified" else {})}
    spec = DataSpec.model_validate({"folds": 2, "split": split})
    part_of = parts_of_validation(table, 60, spec, 0)
    assert set(part_of) == set(range(PARTS))
    sizes = np.array([np.bincount(part_of[key == value], minlength=PARTS) for value in range(7)])
    if method == "time":
        assert (np.diff(part_of[np.argsort(key, kind="stable")]) >= 0).all()
    elif method == "grouped":
        assert ((sizes > 0).sum(axis=1) == 1).all()
    else:
        assert (np.ptp(sizes, axis=1) <= 1).all()


def test_parts_of_windows_keep_their_numbers(tmp_path):
    value = np.random.default_rng(0).normal(size=80)
    series = declnet.Table({"value": value}, target="value")
    last = [{"type": "dense", "units": 1}]
    spec = spec_of(
        "early_stopping",
        data={"folds": 3, "split": {"method": "time"}, "windows": {"past": 3, "horizon": 1}},
        model={"layers": ["flatten", {"type": "dense", "units": 24}, "relu", *last]},
        loss="mean_squared_error",
        calibration={"steps": ["conformal"]},
    )
    spec["training"]["metrics"] = []
    declnet.run(spec, {"train": series}, out=tmp_path / "out")
    group = open_group(tmp_path / "out")
    numbers = group.out_of_fold({"train": series}).identifiers
    counts = np.bincount(numbers["fold"])[1:]
    assert len(counts) == 3
    expected = np.concatenate([np.arange(1, count + 1) for count in counts])
    np.testing.assert_array_equal(numbers["window"], expected)
    sizes = {len(part) for part in group.examined("validation", {"train": series})}
    assert max(sizes) < min(counts)
