"""Specs that are wrong, as real processes: exit code 2, words on stderr, no traceback."""

from __future__ import annotations

import copy

import pytest


@pytest.fixture
def refused(declnet_cli, tmp_path):
    """Run a command line that must fail and write nothing; return its message."""

    def run(*arguments, code=2, command="run"):
        before = sorted(tmp_path.iterdir())
        done = declnet_cli(command, *arguments)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr
        assert done.stderr.startswith(("error[", "Usage: "))
        assert sorted(tmp_path.iterdir()) == before
        return done.stderr

    return run


def located(place, code, message):
    """How a problem at a place begins."""
    return f"error[{code}]: {message}", f" --> {place}\n"


def require(said, *expected):
    """Require each block of the output, in order, to contain its expected words."""
    *blocks, summary = said.split("\n\n")
    assert len(blocks) == len(expected), said
    for block, words in zip(blocks, expected, strict=True):
        for word in (words,) if isinstance(words, str) else words:
            assert word in f"{block}\n"
    plural = "s" if len(expected) > 1 else ""
    assert summary.startswith(f"{len(expected)} error{plural}; `declnet explain E")


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_file(refused, command):
    said = refused("absent.toml", command=command)
    require(said, located("absent.toml", "E001", "there is no such file"))


@pytest.mark.parametrize(
    ("text", "line", "column"), [("a = 1\nb = [1,\n\nc = 3", 4, 1), ("a = 1\nb = \n", 2, 5)]
)
def test_malformed_toml_is_told_at_its_place(refused, spec_file, text, line, column):
    path = spec_file(text, "spec.toml")
    require(refused(path), located(f"{path}:{line}:{column}", "E002", "malformed TOML: "))


def test_malformed_json_is_told_at_its_place(refused, spec_file):
    path = spec_file('{"a": 1,\n 3: 2}', "spec.json")
    require(refused(path), located(f"{path}:2:2", "E002", "malformed JSON: "))


@pytest.mark.parametrize("name", ["folder", "folder.toml"])
def test_a_folder(refused, tmp_path, name):
    (tmp_path / name).mkdir()
    require(refused(tmp_path / name), located(tmp_path / name, "E001", "this is a folder"))


def test_another_suffix(refused, spec_file):
    path = spec_file("a: 1", "spec.yaml")
    require(refused(path), located(path, "E001", "not a spec: its name must end in .toml or .json"))


CHANGES = [
    ("sead", 1, "E010", '"sead"', 'unknown key "sead"', 'did you mean "seed"?'),
    ("model.layers.0.unit", 1, "E010", '"unit"', 'unknown key "unit"', 'did you mean "units"?'),
    ("training.epochs", "ten", "E012", '"ten"', 'must be a whole number, not "ten"', ""),
    ("training.shuffle", 1, "E012", '1}, "seed', "must be true or false, not 1", ""),
    ("optimizer.learning_rate", float("nan"), "E013", "NaN", "must be", ""),
    ("optimizer.momentum", 1.5, "E013", "1.5", "must be less than 1, not 1.5", ""),
    ("training.epochs", 0, "E013", "0, ", "must be at least 1, not 0", ""),
    ("model.layers.1", "rleu", "E015", '"rleu"', 'layer type "rleu"', 'did you mean "relu"?'),
    ("loss", "crossentropy", "E015", '"crossentropy"', 'loss type "crossentropy"', ""),
    ("model.layers.2.units", 2, "E040", "2}", "2 units", "3 "),
    (
        "model.layers.1",
        {"type": "relu", "inputs": ["dense_2"]},
        "E020",
        '"dense_2"',
        '"dense_2" comes later',
        "",
    ),
    ("data.train.path", "absent.npz", "E031", '"absent.npz"', "there is no such file", ""),
    ("data.validation", 0.001, "E033", "0.001", "leaves 0 for validation", ""),
    ("model.layers.0.units", 10**12, "E051", '{"dtype"', "memory", "fewer units"),
    (
        "plugins",
        ["declnet-nosuch"],
        "E008",
        '"declnet-nosuch"',
        "declnet-nosuch is not installed",
        'pip install "declnet-nosuch"',
    ),
]


@pytest.mark.parametrize(
    ("key", "value", "code", "written", "message", "hint"),
    CHANGES,
    ids=[f"{each[0]}={each[1]}"[:30] for each in CHANGES],
)
def test_a_wrong_value(
    refused, document, spec_file, changed, key, value, code, written, message, hint
):
    spec = spec_file(changed(document, {key: value}))
    column = spec.read_text().index(written) + 1
    said = refused(spec)
    require(said, (f"error[{code}]: ", message, hint, f" --> {spec}:1:{column}\n"))


def test_several_faults_of_all_sorts_are_reported_together(refused, document, spec_file):
    broken = copy.deepcopy(document)
    broken["training"]["epoch"] = 1
    broken["optimizer"]["momentum"] = 2
    broken["data"]["test"] = {"type": "npz", "path": "absent.npz"}
    broken["model"]["layers"][0] = {"type": "softmax", "inputs": ["nowhere"]}
    require(
        refused(spec_file(broken)),
        ("error[E031]: ", "absent.npz: there is no such file"),
        'error[E020]: there is no layer "nowhere"',
        'error[E013]: "momentum" must be less than 1',
        'error[E010]: unknown key "epoch"',
    )


EIGHT = """\
declnet = 1
sead = 1
loss = "categorical_crossentropi"

[data]
train = { type = "nnfs_spiral", samples = 10, classes = 3 }
test = { type = "npz", path = "absent.npz" }

[model]
layers = [
    { type = "dense", units = 8 },
    { type = "relu", inputs = ["dense_9"] },
    { type = "conv2d", filters = 2, kernel_size = 3, inputs = ["dense_1"] },
]

[optimizer]
type = "sgd"
momentum = 2

[training]
batch_size = 31
metrics = "accuracy"
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_faults_of_all_kinds_come_in_the_order_of_the_file(refused, tmp_path, start, end):
    (tmp_path / "spec.toml").write_bytes((start + EIGHT.replace("\n", end)).encode())
    require(
        refused("spec.toml"),
        located("spec.toml:2:1", "E010", 'unknown key "sead"'),
        located("spec.toml:3:8", "E015", 'loss type "categorical_crossentropi"'),
        located("spec.toml:7:31", "E031", ""),
        located("spec.toml:12:32", "E020", 'there is no layer "dense_9"'),
        located("spec.toml:13:14", "E022", '"conv2d_1"'),
        located("spec.toml:18:12", "E013", '"momentum" must be less than 1'),
        located("spec.toml:20:1", "E011", '"epochs" is missing'),
        located("spec.toml:21:14", "E033", "a batch of 31 is larger than the training data"),
        located("spec.toml:22:11", "E012", '"metrics" must be a list'),
    )


@pytest.mark.parametrize(
    ("override", "code", "column", "message"),
    [
        ("nonsense", "E005", 1, "KEY=VALUE"),
        ("=1", "E005", 1, "KEY=VALUE"),
        ("model.layers.9.units=1", "E005", 1, "model.layers has no item 9"),
        ("training.epochs.x=1", "E005", 1, "training.epochs is 3, which has no keys"),
        ("training.epochs=1.5", "E012", 17, "must be a whole number, not 1.5"),
        ("trainig.epochs=1", "E010", 1, 'did you mean "training"?'),
        ("seed=" + "9" * 5000, "E012", 6, '"seed" must be a whole number'),
        ("optimizer={type = 'sgd', momentun = 1}", "E010", 26, 'did you mean "momentum"?'),
        ("model.layers.2={type = 'dense', units = 2}", "E040", 41, "2 units"),
    ],
    ids=lambda text: str(text)[:25],
)
def test_a_wrong_override(refused, document, spec_file, override, code, column, message):
    said = refused(spec_file(document), "--set", "training.log_every=1", "--set", override)
    require(said, (f"error[{code}]: ", f" --> --set:2:{column}\n", message))


def test_all_wrong_overrides_are_told_together(refused, document, spec_file):
    spec = spec_file(document)
    require(
        refused(spec, "--set", "nonsense", "--set", "=1"),
        located("--set:1:1", "E005", '"nonsense" is not a valid override'),
        located("--set:2:1", "E005", '"=1" is not a valid override'),
    )


@pytest.mark.parametrize("arguments", [[], ["--nosuch"], ["a.toml", "b.toml"]])
def test_wrong_usage(refused, arguments):
    assert "Usage: " in refused(*arguments)
