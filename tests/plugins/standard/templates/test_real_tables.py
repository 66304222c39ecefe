"""Real tables with categories and holes: presets learn as well as scikit-learn."""

from __future__ import annotations

import csv
import warnings

import numpy as np
import pytest

import declnet
from declnet.data.sets import load_sets, split_sets

datasets = pytest.importorskip("sklearn.datasets", reason="the extra sklearn is not installed")

from sklearn.compose import make_column_transformer  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

TARGET = "the target"


def write_table(name, path):
    """One of scikit-learn's sets: a column in words, 3 % holes, rows numbered, targets named."""
    data = getattr(datasets, f"load_{name}")()
    rng = np.random.default_rng(0)
    x, count = data.data, len(data.data)
    names = [str(name) for name in getattr(data, "feature_names", range(x.shape[1]))]
    columns = {name: [f"{value:g}" for value in x[:, at]] for at, name in enumerate(names)}
    in_words = names[0]
    values = x[:, names.index(in_words)]
    thirds = np.quantile(values, [1 / 3, 2 / 3])
    columns[in_words] = [("low", "middle", "high")[np.searchsorted(thirds, v)] for v in values]
    for column in names:
        for at in np.flatnonzero(rng.random(count) < 0.03):
            columns[column][at] = ""
    plain = name == "diabetes"
    y = [f"{t:g}" if plain else str(data.target_names[t]) for t in data.target]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *names, TARGET])
        rows = zip(range(1, count + 1), *columns.values(), y, strict=True)
        writer.writerows(rows)


def scikit_learn_score(spec):
    """Return its score for the same layers and rows, with its own preparation."""
    sets = split_sets(load_sets(spec.data, spec.seed), spec.data, spec.seed)
    features = spec.data.train.features
    types = {name: sets["train"].columns[name].dtype.kind for name in features}
    numbers = [at for at, name in enumerate(features) if types[name] != "O"]
    words = [at for at, name in enumerate(features) if types[name] == "O"]

    def arrays(records):
        columns = [records.columns[name].astype(object) for name in features]
        x = np.stack(columns, axis=1)
        x[np.equal(x, None)] = np.nan
        y = records.columns[TARGET]
        return x, y if y.dtype.kind == "f" or spec.loss.targets == "values" else y.astype(str)

    units = [layer.units for layer in spec.model.layers if layer.type == "dense"][:-1]
    kind = MLPRegressor if spec.loss.targets == "values" else MLPClassifier
    network = kind(hidden_layer_sizes=units, max_iter=500, random_state=spec.seed)
    prepared = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
            ),
            words,
        ),
    )
    model = make_pipeline(prepared, network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge
        return model.fit(*arrays(sets["train"])).score(*arrays(sets["test"]))


SETS = {
    "breast_cancer": "binary_accuracy",
    "diabetes": "r2",
}


@pytest.mark.parametrize("name", SETS)
def test_mlp_learns_as_well_as_scikit_learn(name, declnet_cli, tmp_path):
    """On the mean of several splits, to half a sample: these test sets have about 100 samples."""
    write_table(name, tmp_path / "table.csv")
    words = ("new", "spec.toml", "--preset", "mlp", "--data", "table.csv", "--target", TARGET)
    assert declnet_cli(*words).returncode == 0
    ours, theirs = [], []
    for seed in range(10):
        spec = declnet.load_spec(tmp_path / "spec.toml", {"seed": seed})
        ours.append(declnet.run(spec).metrics["test"][SETS[name]])
        theirs.append(scikit_learn_score(spec))
    with (tmp_path / "table.csv").open() as file:
        test_samples = spec.data.test * (sum(1 for _ in file) - 1)
    half_a_sample = 0.5 / test_samples if name != "diabetes" else 0.0
    assert np.mean(ours) >= np.mean(theirs) - half_a_sample, (ours, theirs)
