"""Defaults of the contract of data sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import PrivateAttr

from declnet import DataSource, Registry, RegistryError, Table


class Numbers(DataSource):
    """A source of any number of ones."""

    type = "numbers"
    suffixes = (".num",)

    path: Path
    target: str | None = None
    skip: int = 0

    _read: list = PrivateAttr(default_factory=list)

    def describe(self):
        return None

    def load(self, rng):
        columns = {"a": np.arange(5.0), "b": np.arange(5)}
        return Table(columns, self.target)


@pytest.mark.parametrize(
    ("suffixes", "message"),
    [
        (".num", "suffixes is '.num', but must be a tuple of str"),
        (("num",), 'suffixes has "num", but a suffix is a dot and lower-case'),
        ((".NUM",), 'suffixes has ".NUM", but'),
        ((".",), 'suffixes has ".", but'),
    ],
)
def test_wrong_suffixes_are_refused_at_registration(suffixes, message):
    class Wrong(Numbers):
        pass

    Wrong.suffixes = suffixes
    with pytest.raises(RegistryError) as raised:
        Registry().register(Wrong)
    assert message in str(raised.value)


@pytest.mark.parametrize("traits", [{"suffixes": (".num",)}, {"reads_folders": True}])
def test_files_and_folders_need_a_way_to_open_them(traits):
    class Pathless(DataSource):
        """A source whose file is in a field of another name."""

        type = "pathless"
        file: Path

        def describe(self):
            return None

        def load(self, rng):
            return Table({})

    for name, value in traits.items():
        setattr(Pathless, name, value)
    with pytest.raises(RegistryError, match=r"neither a field path nor a method for_file\(\)"):
        Registry().register(Pathless)

    class Able(Pathless):
        @classmethod
        def for_file(cls, path, like=None):
            return cls(file=path)

    Registry().register(Able)
    assert Able.for_file(Path("a.num")).file == Path("a.num")


def test_another_file_is_read_with_the_same_settings():
    like = Numbers(path="train.num", target="a", skip=3)
    like._read.append("something")
    other = Numbers.for_file(Path("new.num"), like)
    assert other == Numbers(path="new.num", target="a", skip=3)
    assert other._read == []
    assert like.path == Path("train.num")
    assert Numbers.for_file(Path("new.num")) == Numbers(path="new.num")
