"""Which data source reads a file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from declnet import DataError, Dataset, DataSource, Registry, discover
from declnet.data.sources.files import file_source
from declnet.errors import ComponentError
from declnet.registry.plugin import Plugin, PluginFailure

FIRST, WAVE = Plugin("data", "declnet", "1"), Plugin("wave", "declnet-wave", "2")
TIDE = Plugin("tide", "declnet-tide", "3")


def source_of(name, *suffixes):
    """Return a class of data sources for files with these suffixes."""

    class Source(DataSource):
        """A source without data."""

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
    """Return the source that reads a file, among those that plugins offer."""

    def read(name, *offered, prefer=(), like=None):
        registry = Registry()
        for plugin, source in offered:
            registry.register(source, plugin)
        (tmp_path / name).touch()
        return file_source(tmp_path / name, registry.preferring(prefer), like)

    return read


TABLE, PACKED = source_of("table", ".tbl", ".tab"), source_of("packed", ".gz", ".tbl.gz")


@pytest.mark.parametrize("packer", [FIRST, TIDE])
def test_the_longest_matching_suffix_wins(packer, reading, tmp_path):
    for name in ("a.tbl", "A.TBL", "a.gz.tab", ".tbl"):
        assert reading(name, (WAVE, TABLE), (packer, PACKED)) == TABLE(path=tmp_path / name)
    gz = source_of("plain", ".gz")
    for name, expected in (("a.tbl.gz", PACKED), ("a.gz", PACKED)):
        assert isinstance(reading(name, (WAVE, TABLE), (packer, PACKED)), expected)
    assert isinstance(reading("a.tbl.gz", (FIRST, gz), (WAVE, PACKED)), PACKED)


@pytest.mark.parametrize("names", [("own", "other"), ("tbl", "tbl")])
def test_first_party_wins_unless_the_spec_prefers_another(reading, names):
    first_party, other = (source_of(name, ".tbl") for name in names)
    offered = ((WAVE, other), (FIRST, first_party))
    assert isinstance(reading("a.tbl", *offered), first_party)
    assert isinstance(reading("a.tbl", *offered, prefer=["declnet_wave"]), other)
    assert isinstance(reading("a.tbl", *offered, prefer=["declnet-tide"]), first_party)


def test_the_source_of_the_training_data_wins_if_it_reads_such_files(reading, tmp_path):
    first_party, other = source_of("own", ".tbl"), source_of("other", ".tbl", ".tab")
    offered = ((FIRST, first_party), (WAVE, other), (TIDE, source_of("third", ".tbl")))
    like = other(path=tmp_path / "train.tab", delimiter=";")
    assert reading("a.tbl", *offered, like=like) == other(path=tmp_path / "a.tbl", delimiter=";")
    elsewhere = source_of("elsewhere", ".csv")(path=tmp_path / "train.csv", delimiter=";")
    assert reading("a.tbl", *offered, like=elsewhere) == first_party(path=tmp_path / "a.tbl")


def test_an_error_says_why_a_candidate_was_not_used(tmp_path):
    for name in ("a.tbl", "a.csv"):
        (tmp_path / name).touch()
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


def test_a_missing_file_and_a_pipe_are_refused(reading, tmp_path):
    registry = Registry()
    registry.register(TABLE)
    with pytest.raises(DataError, match=r"none\.tbl: there is no such file"):
        file_source(tmp_path / "none.tbl", registry)
    os.mkfifo(tmp_path / "pipe.tbl")
    with pytest.raises(DataError, match=r"pipe\.tbl: is neither a file nor a folder"):
        file_source(tmp_path / "pipe.tbl", registry)
    (tmp_path / "folder.tbl").mkdir()
    assert file_source(tmp_path / "folder.tbl", registry).path == tmp_path / "folder.tbl"


def test_for_file_must_return_a_source(reading):
    class Wrong(source_of("wrong", ".tbl")):
        @classmethod
        def for_file(cls, path, like=None):
            return str(path)

    with pytest.raises(ComponentError, match=r'data_source "wrong" of plugin wave .*for_file\(\)'):
        reading("a.tbl", (WAVE, Wrong))


def test_a_table_that_lists_files_is_read_by_the_source_that_recognizes_it(reading):
    listed = source_of("listed", ".pic")
    listed.list_suffixes = (".tbl",)
    listed.recognizes = classmethod(lambda cls, path: path.name.startswith("list"))
    offered = [(FIRST, TABLE), (WAVE, listed)]
    assert type(reading("list.tbl", *offered)) is listed
    assert type(reading("other.tbl", *offered)) is TABLE
    assert type(reading("other.tbl", *offered, like=listed(path="a.pic"))) is listed
    assert type(reading("list.tbl", *offered, like=TABLE(path="a.tbl"))) is TABLE
    listed.recognizes = classmethod(lambda cls, path: 1 / 0)
    with pytest.raises(ComponentError, match=r"recognizes|ZeroDivisionError"):
        reading("list.tbl", *offered)
