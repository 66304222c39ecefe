"""Third-party templates for `declnet new`."""

import tomllib

import pytest

from ..distributions import write_distribution

SOURCE = '''
from declnet import DataError, hookimpl
from declnet_plugins.new import Template

class Tiny(Template):
    """The smallest network there is.

    More of it than one line is for `declnet plugins show`.
    """
    type = "tiny"
    requires = ("declnet>=0.1", "nothing-of-the-sort>=2.1")
    def spec(self):
        return """declnet = 1  # the format
[data]
train = { type = "nnfs_vertical", samples = 20, classes = 2 }
test = { type = "npz", path = "later.npz" }
[model]
layers = [{ type = "dense", units = 2 }, "softmax"]
[loss]
type = "categorical_crossentropy"
[optimizer]
type = "adam"
[training]
epochs = 2
"""

class Linear(Template):
    """A linear model of the columns of numbers of your table."""
    type = "linear_table"
    def spec_for_table(self, table, registry):
        numbers = [each.name for each in table.features if each.type in ("number", "integer")]
        if table.task != "values" or not numbers:
            raise DataError(f"the task is {table.task}, of {len(numbers)} columns")
        assert "standardize" in registry.types("transform")
        source = dict(table.source, features=numbers)
        lines = [f"{key} = {str(value)!r}" for key, value in source.items() if key != "features"]
        return "\\n".join([
            f"# {table.rows} rows, {table.unlabeled} more without a target",
            "declnet = 1",
            "[data]",
            "prepare = ['standardize']",
            "[data.train]",
            *lines,
            f"features = {numbers}",
            "[model]",
            "layers = [{ type = 'dense', units = 1 }]",
            "[loss]",
            "type = 'mean_squared_error'",
            "[optimizer]",
            "type = 'adam'",
            "[training]",
            "epochs = 3",
        ])

class Wrong(Template):
    """Not TOML."""
    type = "wrong"
    def spec(self):
        return "declnet: 1"
    def spec_for_table(self, table, registry):
        return None

@hookimpl
def declnet_register(register):
    register(Tiny)
    register.lazily("template", "linear_table", "declnet_starters")
    register(Wrong)
'''


@pytest.fixture(scope="module")
def starters(command_in, tmp_path_factory):
    site = tmp_path_factory.mktemp("starters")
    write_distribution(site, "declnet-starters", SOURCE, version="0.3")
    return command_in(tmp_path_factory.mktemp("work"), site)


def test_help_lists_them_among_declnets_templates(starters):
    listed = starters.succeeds("new", "--help").splitlines()
    rows = dict(
        line.split(None, 1) for line in listed if line.startswith("  ") and line.split()[1:]
    )
    assert "tiny" not in rows  # it requires what is not installed
    assert rows["linear_table"] == "A linear model of the columns of numbers of your table"
    assert rows["classification"].endswith("[default]")


def test_an_example_is_written_with_its_missing_requirements(starters, tmp_path):
    done = starters("new", tmp_path / "a.toml", "--template", "tiny")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        'note: nothing-of-the-sort is not installed (pip install "nothing-of-the-sort>=2.1")',
        f"note: it reads {tmp_path / 'later.npz'}, which does not exist yet",
    ]
    assert (tmp_path / "a.toml").read_text(encoding="utf-8").startswith("declnet = 1  # the format")


def test_a_preset_for_tables_gets_the_columns_of_the_table(starters, tmp_path):
    rows = [f"{at},{at % 5},{'ab'[at % 2]},{3 * at + 0.5 if at else ''}" for at in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,word,y", *rows]) + "\n", encoding="utf-8")
    spec = tmp_path / "t.toml"
    preset = ["--template", "linear_table", "--data", tmp_path / "t.csv"]
    done = starters("new", spec, *preset, "--target", "y")
    assert (done.returncode, done.stderr) == (0, f'note: not used to predict: "word"; see {spec}\n')
    text = spec.read_text(encoding="utf-8")
    assert text.startswith("# 39 rows, 1 more without a target")
    train = tomllib.loads(text)["data"]["train"]
    assert (train["features"], train["missing_target"]) == (["a", "b"], "leave_out")
    starters.succeeds("run", spec, "--quiet", "--out", tmp_path / "run")
    done = starters("new", tmp_path / "u.toml", *preset, "--target", "word")
    assert (done.returncode, done.stderr) == (
        2,
        f"error: {tmp_path / 't.csv'}: the task is binary, of 3 columns\n",
    )
    done = starters("new", tmp_path / "u.toml", *preset, "--target", "y", "--folds", "5")
    assert (done.returncode, "linear_table" in done.stderr) == (2, True)
    assert not (tmp_path / "u.toml").exists()
    done = starters("new", tmp_path / "u.toml", *preset, "--target", "y", "--target", "word")
    assert done.returncode == 2
    assert 'the preset "linear_table" takes one --target, but best, linear, mlp, ' in done.stderr


def test_an_invalid_text_is_blamed_on_the_template(starters, tmp_path):
    done = starters("new", tmp_path / "a.toml", "--template", "linear_table")
    message = 'template "linear_table" is for tables: give --data FILE --target COLUMN'
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")
    (tmp_path / "t.csv").write_text("a,y\n1,u\n2,v\n3,u\n4,v\n", encoding="utf-8")
    table = ["--data", tmp_path / "t.csv", "--target", "y"]
    for more, fault in ([], "spec() returned invalid TOML"), (table, "spec_for_table() returned N"):
        done = starters("new", tmp_path / "a.toml", "--template", "wrong", *more)
        assert done.returncode == 1
        assert 'template "wrong" of plugin declnet_starters (declnet-starters 0.3)' in done.stderr
        assert fault in done.stderr
        assert "declnet_starters.py:" in done.stderr
        assert not (tmp_path / "a.toml").exists()
