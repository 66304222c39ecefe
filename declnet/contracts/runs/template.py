"""Template: a commented spec that `declnet new` writes."""

from __future__ import annotations

from typing import ClassVar, Literal

from declnet.contracts.component import Component
from declnet.contracts.data.table import TableProfile
from declnet.errors import RegistryError
from declnet.registry.registry import Registry


class Template(Component):
    """A commented spec that `declnet new` writes: an example, a spec for a table, or both.

    `declnet new --help` shows the first line of the class's docstring.
    """

    kind = "template"
    conformance_checks = "declnet.testing.checks.templates"

    requires: ClassVar[tuple[str, ...]] = ()
    """What `spec` needs besides declnet, as PEP 508 requirements, e.g. `("scikit-learn>=1.5",)`;
    `declnet new` reports which of them are not installed."""
    default_for: ClassVar[Literal["example", "table"] | None] = None
    """When `declnet new` uses it by default: without a table, or for a table."""
    several_targets: ClassVar[bool] = False
    """Whether `spec_for_table` takes a table with several targets, `TableProfile.targets`."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class with neither `spec` nor `spec_for_table`."""
        super().verify_contract()
        if not cls.has_example() and not cls.takes_tables():
            raise RegistryError(
                f"{cls.__name__} has neither spec() nor spec_for_table(), one of which a template "
                "needs"
            )

    @classmethod
    def has_example(cls) -> bool:
        """Return whether it has an example spec."""
        return cls.spec is not Template.spec

    @classmethod
    def takes_tables(cls) -> bool:
        """Return whether it writes a spec for any table."""
        return cls.spec_for_table is not Template.spec_for_table

    def spec(self) -> str:
        """Return a spec as commented TOML that runs unchanged or says what it needs."""
        raise NotImplementedError

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return a spec for a table as commented TOML that runs unchanged.

        Args:
            table: the table's profile.
            registry: the installed components.

        Raises:
            DataError: the table has nothing to learn from.
        """
        raise NotImplementedError

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:  # noqa: ARG002
        """Return what `declnet new` tells about the choices for a table; default: nothing."""
        return ()
