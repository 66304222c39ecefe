"""The longest suffix decides, and a tie is for the user to decide."""

from declnet import Registry
from declnet_plugins.exchange import Importer
from declnet_plugins.exchange.files import formats_by_suffix


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


def test_formats_by_suffix():
    registry = Registry()
    registry.register(Json)
    registry.register(Rates)
    found = {name: formats_by_suffix("importer", name, registry) for name in NAMES}
    assert found == NAMES
    registry.register(More)
    assert formats_by_suffix("importer", "a.rates", registry) == ["more", "rates"]
    assert formats_by_suffix("exporter", "a.rates", registry) == []


NAMES = {"a.json": ["json"], "a.rates.json": ["rates"], "a.rates": ["rates"], "a.csv": []}
