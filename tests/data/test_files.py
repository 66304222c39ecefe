"""Which data source reads a file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import DataError, Dataset, DataSource, Registry, Table, discover
from declnet.data.files import Wishes, column_profile, file_source, naming, profile_of
from declnet.errors import ComponentError
from declnet.registry.plugin import Plugin, PluginFailure

FIRST, WAVE = Plugin("data", "declnet", "1"), Plugin("wave", "declnet-wave", "2")
TIDE = Plugin("tide", "declnet-tide", "3")


def source_of(name, *suffixes):
    """A class of data sources that reads files with these suffixes."""

    class Source(DataSource):
        """Reads nothing at all."""

        type = name
        path: Path
        delimiter: str = ","
        rows: int | None = None

        def describe(self):
            return None

        def load(self, rng):
            return Dataset(np.ones((1, 1)), np.ones(1))

    Source.suffixes = suffixes
    return Source


@pytest.fixture
def reading(tmp_path):
    """The source that reads a file of a name, of those that plugins offer."""

    def read(name, *offered, prefer=(), like=None):
        registry = Registry()
        for plugin, source in offered:
            registry.register(source, plugin)
        (tmp_path / name).touch()
        return file_source(tmp_path / name, registry.preferring(prefer), like)

    return read


TABLE, PACKED = source_of("table", ".tbl", ".tab"), source_of("packed", ".gz", ".tbl.gz")


@pytest.mark.parametrize("packer", [FIRST, TIDE])
def test_it_is_the_one_whose_longest_suffix_ends_the_name(packer, reading, tmp_path):
    for name in ("a.tbl", "A.TBL", "a.gz.tab", ".tbl"):
        assert reading(name, (WAVE, TABLE), (packer, PACKED)) == TABLE(path=tmp_path / name)
    gz = source_of("plain", ".gz")
    for name, expected in (("a.tbl.gz", PACKED), ("a.gz", PACKED)):
        assert isinstance(reading(name, (WAVE, TABLE), (packer, PACKED)), expected)
    assert isinstance(reading("a.tbl.gz", (FIRST, gz), (WAVE, PACKED)), PACKED)


@pytest.mark.parametrize("names", [("own", "other"), ("tbl", "tbl")])
def test_first_party_wins_unless_the_spec_prefers_another(reading, names):
    own, other = (source_of(name, ".tbl") for name in names)
    offered = ((WAVE, other), (FIRST, own))
    assert isinstance(reading("a.tbl", *offered), own)
    assert isinstance(reading("a.tbl", *offered, prefer=["declnet_wave"]), other)
    assert isinstance(reading("a.tbl", *offered, prefer=["declnet-tide"]), own)


def test_two_third_parties_are_an_error_that_names_both(reading):
    offered = ((WAVE, source_of("sea", ".tbl")), (TIDE, source_of("moon", ".tbl")))
    with pytest.raises(DataError) as raised:
        reading("a.tbl", *offered)
    message = str(raised.value)
    assert 'data_source "moon" of plugin tide (declnet-tide 3)' in message
    assert 'data_source "sea" of plugin wave (declnet-wave 2)' in message
    assert "`plugins` of the spec" in message
    assert reading("a.tbl", *offered, prefer=["declnet-tide"]).type == "moon"


def test_a_file_is_read_as_the_training_datas_where_its_source_reads_such_files(reading, tmp_path):
    """Whoever else reads them: the spec has chosen."""
    own, other = source_of("own", ".tbl"), source_of("other", ".tbl", ".tab")
    offered = ((FIRST, own), (WAVE, other), (TIDE, source_of("third", ".tbl")))
    like = other(path=tmp_path / "train.tab", delimiter=";")
    assert reading("a.tbl", *offered, like=like) == other(path=tmp_path / "a.tbl", delimiter=";")
    elsewhere = source_of("elsewhere", ".csv")(path=tmp_path / "train.csv", delimiter=";")
    assert reading("a.tbl", *offered, like=elsewhere) == own(path=tmp_path / "a.tbl")


def test_what_no_source_reads_is_refused_with_what_is_readable(reading):
    hint = r"\(its name must end in \.gz, \.tab, \.tbl, \.tbl\.gz\)"
    with pytest.raises(DataError, match=rf"a\.xlsx: no installed data source reads .* {hint}"):
        reading("a.xlsx", (WAVE, TABLE), (TIDE, PACKED))
    with pytest.raises(DataError, match=r"tbl: no installed data source reads such files$"):
        reading("tbl", (WAVE, source_of("none")))


def test_the_reason_is_named_where_a_source_might_have_read_it(tmp_path):
    registry = Registry()
    for plugin in (WAVE, TIDE):
        registry.register(source_of("twice", ".tbl"), plugin)
    with pytest.raises(DataError, match=r'"twice" is offered by several: wave .*, tide \('):
        file_source(tmp_path / "a.tbl", registry)
    registry = Registry()
    registry.failures.append(PluginFailure(WAVE, "ImportError: no sea"))
    registry.disabled.append(TIDE)
    with pytest.raises(DataError, match=r"wave \(.*\): ImportError: no sea; disabled .*: tide"):
        file_source(tmp_path / "a.tbl", registry)
    registry = discover(disabled=["data"])
    with pytest.raises(DataError, match=r"disabled plugins: data \(declnet "):
        file_source(tmp_path / "a.csv", registry)


def test_a_file_that_is_not_there_and_a_pipe_are_refused(reading, tmp_path):
    registry = Registry()
    registry.register(TABLE)
    with pytest.raises(DataError, match=r"none\.tbl: there is no such file"):
        file_source(tmp_path / "none.tbl", registry)
    os.mkfifo(tmp_path / "pipe.tbl")
    with pytest.raises(DataError, match=r"pipe\.tbl: is neither a file nor a folder"):
        file_source(tmp_path / "pipe.tbl", registry)
    (tmp_path / "folder.tbl").mkdir()
    assert file_source(tmp_path / "folder.tbl", registry).path == tmp_path / "folder.tbl"


def test_a_source_that_needs_more_keys_says_which(reading):
    class Sheet(source_of("sheet", ".xls")):
        sheet: str

    with pytest.raises(DataError, match=r'a\.xls: data source "sheet" cannot .* file: sheet is m'):
        reading("a.xls", (WAVE, Sheet))


def test_what_is_made_for_a_file_must_be_a_source(reading):
    class Wrong(source_of("wrong", ".tbl")):
        @classmethod
        def for_file(cls, path, like=None):
            return str(path)

    with pytest.raises(ComponentError, match=r'data_source "wrong" of plugin wave .*for_file\(\)'):
        reading("a.tbl", (WAVE, Wrong))


def test_errors_get_the_name_of_the_file_once():
    path = Path("a.tbl")
    for message in ("row 3 is wrong", "a.tbl: row 3 is wrong"):
        with pytest.raises(DataError, match=r"^a\.tbl: row 3 is wrong \(mend it\)$"), naming(path):
            raise DataError(message, hint="mend it")


@pytest.fixture
def profile(tmp_path):
    """Of a CSV file with some text."""

    def describe(text, target="y", wanted=None, folder=tmp_path):
        (tmp_path / "t.csv").write_text(text)
        registry = declnet.default_registry()
        return profile_of(tmp_path / "t.csv", target, folder, registry, Wishes(wanted))

    return describe


def test_columns_are_described_by_what_is_in_them(profile):
    found = profile("row,x,word,y\n1,0.5,a,0\n2,inf,,1\n3,,a,0\n4,1.5,b,1\n")
    assert list(found.columns) == ["row", "x", "word", "y"]
    assert [each.name for each in found.features] == ["row", "x", "word"]
    row, x, word, y = found.columns.values()
    assert (row.type, row.counts_rows, row.whole, row.mean) == ("integer", True, True, 2.5)
    assert (x.type, x.missing, x.present, x.infinite, x.whole) == ("number", 1, 3, 1, False)
    assert (x.mean, x.std, x.distinct) == (1.0, 0.5, 3)
    assert (word.type, word.missing, word.distinct, word.mean) == ("text", 1, 2, 0.0)
    assert (y.counts_rows, y.rows) == (False, 4)
    assert (found.target, found.task, found.rows, found.unlabeled) == ("y", "binary", 4, 0)
    assert found.selects_features
    assert found.source == {"type": "csv", "path": "t.csv", "target": "y"}


def test_booleans_are_whole():
    found = column_profile("b", np.array([True, False]))
    assert (found.type, found.whole, found.mean) == ("boolean", True, 0.5)


def test_a_profile_says_how_values_are_distributed():
    text = column_profile("t", np.array(["b", "a", None, "a b", "b"], object))
    assert list(text.counts.items()) == [("b", 2), ("a", 1), ("a b", 1)]
    assert (text.words, text.most_words, text.distinct, text.missing) == (1.25, 2, 3, 1)
    whole = column_profile("w", np.array([3.0, 1.0, np.nan, 3.0]))
    assert (whole.counts, whole.smallest) == ({3.0: 2, 1.0: 1}, 1)
    assert column_profile("f", np.array([0.5, 1.0])).counts == {}
    amounts = np.exp(np.linspace(-3, 3, 200))
    prices = column_profile("p", amounts)
    expected = np.mean((amounts - amounts.mean()) ** 3) / amounts.std() ** 3
    assert prices.skewness == pytest.approx(expected)
    assert prices.log_skewness == pytest.approx(0, abs=1e-9)
    assert column_profile("n", amounts - 1).log_skewness is None
    for constant in (np.full(3, 0.1), np.array([]), np.array([np.inf])):
        assert column_profile("c", constant).skewness == 0
    assert np.isfinite(column_profile("h", np.array([1e300, 0, 0])).skewness)


@pytest.mark.parametrize(
    ("y", "wanted", "task"),
    [
        (["a", "b"], None, "binary"),
        (["true", "false"], None, "binary"),
        ([1, 2, 3], None, "classes"),
        ([1, 2, 3], "regression", "values"),
        ([0.5, 1, 2], None, "values"),
        (range(30), None, "values"),
        (range(30), "classification", "classes"),
    ],
)
def test_the_task_follows_from_the_targets_values(y, wanted, task, profile):
    rows = [f"{each % 7},{list(y)[each % len(y)]}" for each in range(60)]
    assert profile("x,y\n" + "\n".join(rows) + "\n", wanted=wanted).task == task


def test_rows_without_a_target_are_left_out(profile):
    found = profile("x,y\n9,a\n1,\n2,b\n3,b\n4,a\n")
    assert (found.rows, found.unlabeled) == (4, 1)
    assert found.columns["x"].distinct == 4
    assert found.source["missing_target"] == "leave_out"


def test_the_path_starts_from_the_specs_folder(profile, tmp_path):
    (tmp_path / "specs").mkdir()
    found = profile("x,y\n1,a\n2,b\n3,a\n4,b\n", folder=tmp_path / "specs")
    assert found.source["path"] == "../t.csv"


class Cards(DataSource):
    """A table of three rows, which knows its target or takes any."""

    type = "cards"
    suffixes = (".cards",)
    path: Path

    def describe(self):
        return None

    def load(self, rng):
        columns = {"x": np.arange(3.0), "y": np.array(["a", None, "b"], object)}
        return Table(columns, "y", rows=np.array([1, 2, 3]))


class Deck(Cards):
    type = "deck"
    suffixes = (".deck",)
    box: Path = Path("box")
    target: str | None = None

    def load(self, rng):
        return Table({"x": np.arange(4.0), "y": np.array(["a", "b"] * 2, object)}, self.target)


@pytest.fixture
def of_cards(tmp_path):
    def describe(name, target):
        registry = Registry()
        registry.register(Cards)
        registry.register(Deck)
        (tmp_path / name).touch()
        return profile_of(tmp_path / name, target, tmp_path, registry)

    return describe


def test_a_source_with_little_of_the_contract_is_described_too(of_cards):
    found = of_cards("a.deck", "y")
    assert found.source == {"type": "deck", "path": "a.deck", "target": "y"}
    assert not found.selects_features


def test_a_source_that_takes_no_target_is_an_error_that_names_it(of_cards):
    message = r'a\.cards: data source "cards" cannot take "x" as the target \(it has .* "y"\)'
    with pytest.raises(DataError, match=message):
        of_cards("a.cards", "x")


def test_a_gap_is_an_error_where_the_source_cannot_leave_rows_out(of_cards):
    with pytest.raises(DataError, match=r'target "y" is missing in 1 row, the first is row 2 \('):
        of_cards("a.cards", "y")


ODD = "is left out: row 1 is [1]: a column holds either numbers, or booleans, or text"


def test_columns_of_other_values_are_left_out_with_a_note(tmp_path):
    registry = declnet.default_registry()
    rows = [{"size": row, "tags": [1], "kind": "ab"[row % 2]} for row in range(40)]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    table = profile_of(path, "kind", tmp_path, registry)
    assert (list(table.columns), table.excluded) == (["size", "kind"], ("tags",))
    assert {name: note.text for name, note in table.notes.items()} == {"tags": ODD}
    table = profile_of(path, "kind", tmp_path, registry, Wishes(exclude=("tags",)))
    assert (table.excluded, table.notes) == (("tags",), {})
    for target, wishes in (("tags", Wishes()), ("kind", Wishes(features=("size,tags",)))):
        with pytest.raises(DataError, match="^" + re.escape(f'column "tags" {ODD}')):
            profile_of(path, target, tmp_path, registry, wishes)


def test_nested_columns_of_parquet_are_left_out_with_a_note(tmp_path):
    registry = declnet.default_registry()
    polars = pytest.importorskip("polars")
    path = tmp_path / "t.parquet"
    kinds = ["a", "b"] * 20
    polars.DataFrame({"size": range(40), "tags": [[1]] * 40, "kind": kinds}).write_parquet(path)
    table = profile_of(path, "kind", tmp_path, registry)
    assert (list(table.columns), table.excluded) == (["size", "kind"], ("tags",))
    assert table.notes["tags"].text == "is left out: it holds List(Int64)"
