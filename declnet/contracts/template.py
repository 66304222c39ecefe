"""Template: a commented spec that `declnet new` writes."""

from __future__ import annotations

from typing import ClassVar, Literal

from declnet.contracts.component import Component
from declnet.contracts.table import TableProfile
from declnet.errors import RegistryError
from declnet.registry.registry import Registry


class Template(Component):
    """A commented spec that `declnet new` writes: an example, a spec for a table, or both.

    The first line of the class's docstring is what `declnet new --help` says of it.
    """

    kind = "template"

    requires: ClassVar[tuple[str, ...]] = ()
    """What `spec` needs beside declnet, as PEP 508 requirements, e.g. `("scikit-learn>=1.5",)`;
    `declnet new` says what of it is not installed."""
    default_for: ClassVar[Literal["example", "table"] | None] = None
    """Whether `declnet new` takes it if no template is named: without a table, or for one."""

    @classmethod
    def verify_contract(cls) -> None:
        """As `Component.verify_contract`; `spec` or `spec_for_table` is needed."""
        super().verify_contract()
        if not cls.has_example() and not cls.takes_tables():
            raise RegistryError(
                f"{cls.__name__} has neither spec() nor spec_for_table(), one of which a template "
                "needs"
            )

    @classmethod
    def has_example(cls) -> bool:
        """Return whether it has a spec of its own."""
        return cls.spec is not Template.spec

    @classmethod
    def takes_tables(cls) -> bool:
        """Return whether it writes a spec for any table."""
        return cls.spec_for_table is not Template.spec_for_table

    def spec(self) -> str:
        """Return a spec as TOML with comments, which runs as it is or says what it needs."""
        raise NotImplementedError

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return a spec for a table as TOML with comments, which runs as it is.

        Args:
            table: what is in it.
            registry: knows which components are installed.

        Raises:
            DataError: there is nothing in it to learn from.
        """
        raise NotImplementedError
