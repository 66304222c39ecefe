"""Formats by suffix: the longest suffix wins, and the user resolves a tie."""

from pathlib import Path

import pytest

from declnet import Registry
from declnet_plugins.exchange import Exporter, ExportError, Importer
from declnet_plugins.exchange.exporter import FormatError
from declnet_plugins.exchange.files import format_for


class Json(Importer):
    """Reads any JSON."""

    type = "json"
    suffixes = (".json", ".js")

    def read(self, path):
        """Return nothing."""


class Rates(Json):
    """Reads JSON of one kind."""

    type = "rates"
    suffixes = (".rates.json", ".rates")


class More(Rates):
    """Reads the same."""

    type = "more"


def test_the_longest_suffix_decides():
    registry = Registry()
    registry.register(Json)
    registry.register(Rates)
    for name, form in {"a.json": "json", "a.rates.json": "rates", "a.RATES": "rates"}.items():
        assert format_for(Importer, Path(name), None, None, registry).type == form
    registry.register(More)
    with pytest.raises(FormatError, match="several formats have this suffix: more, rates"):
        format_for(Importer, Path("a.rates"), None, None, registry)
    with pytest.raises(FormatError, match=r"no installed format .*known suffixes: \.json \(json\)"):
        format_for(Importer, Path("a.csv"), None, None, registry)
    with pytest.raises(ExportError, match="no exporter is installed"):
        format_for(Exporter, Path("a.rates"), None, None, registry)
