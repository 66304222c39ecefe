"""Data as an argument or option of a command: a file, or a data source as in a spec."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from declnet.contracts.data.data_source import DataSource
    from declnet.contracts.data.dataset import Dataset
    from declnet.contracts.data.table import Table
    from declnet.data.sources.table_reading import TableSample
    from declnet.data.sources.table_source import TableSource
    from declnet.registry.registry import Registry


class _PathOrSource(click.Path):
    """A path, or the text of an inline table that declares a data source."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from declnet.spec.source_argument import is_declaration

        return value if is_declaration(str(value)) else super().convert(value, param, ctx)


@dataclass(frozen=True)
class DataArgument:
    """Data that a command reads: a file, or a data source declared as in a spec.

    Attributes:
        value: the file, or the text of an inline table, as `click_type` converts them.
        registry: where data sources are looked up.
        argument: what messages call the argument, e.g. `--data`.
        like: the source of a run's training data, whose keys a declared source inherits.
    """

    click_type: ClassVar[click.Path] = _PathOrSource(path_type=Path)
    """The type of the argument in click: a `Path`, or a text that begins with a brace."""

    value: Path | str
    registry: Registry
    argument: str = ""
    like: DataSource | None = None

    @property
    def is_file(self) -> bool:
        """Whether it names a file rather than declaring a data source."""
        return isinstance(self.value, Path)

    @property
    def name(self) -> str:
        """The file, or the type of the data source, in messages."""
        from declnet.data.sources.files import called

        return called(self.data)

    @cached_property
    def data(self) -> Path | DataSource:
        """The file, or the declared source.

        Raises:
            SpecError: a key of the source is wrong; each error has its place.
        """
        from declnet.spec.source_argument import declared_source

        if isinstance(self.value, Path):
            return self.value
        return declared_source(self.value, self.argument, self.registry, self.like)

    @cached_property
    def source(self) -> DataSource:
        """The declared source, or one that reads the file.

        Raises:
            SpecError: a key of the declared source is wrong.
            DataError: the file does not exist, or there is not exactly one source for it.
        """
        from declnet.data.sources.files import file_source

        return file_source(self.data, self.registry) if isinstance(self.data, Path) else self.data

    def load(self, source: DataSource | None = None) -> Dataset | Table:
        """Return the data, with random numbers that are always the same.

        Args:
            source: in place of `source`, e.g. the same with other settings.

        Raises:
            DataError: the data cannot be read, or is invalid.
        """
        import numpy as np

        from declnet.contracts.data.data_source import DataSource
        from declnet.contracts.returned import verified
        from declnet.data.sources.loading import checked_data

        data = verified(DataSource.load, source or self.source, np.random.default_rng(0))
        return checked_data(data, self.name)

    def sample(self, source: TableSource, most: int, counted: Collection[str] = ()) -> TableSample:
        """Return random rows of a table, always the same; a terminal shows the progress.

        Args:
            source: what reads the data.
            most: the most rows to return.
            counted: columns whose values are counted, as for `TableSource.random_rows`.

        Raises:
            DataError: the data cannot be read, or is invalid.
        """
        from dataclasses import replace
        from typing import cast

        import numpy as np

        from declnet.cli.display.passes import passes_followed
        from declnet.data.sources.loading import checked_data

        with passes_followed():
            sample = source.random_rows(np.random.default_rng(0), most, counted)
        return replace(sample, table=cast("Table", checked_data(sample.table, self.name)))

    def naming_errors(self) -> AbstractContextManager[None]:
        """Prefix each DataError that does not begin with the name of the data with that name."""
        from declnet.data.sources.files import naming

        return naming(self.data)
