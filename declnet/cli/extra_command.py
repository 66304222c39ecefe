"""Commands that need packages which not every installation has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class ExtraCommand(click.Command):
    """A command that needs the packages of an extra, e.g. `click.command(cls=ExtraCommand, …)`.

    Without them, it ends with exit code 2 and says what to install, and a run that ends does not
    suggest it.

    Args:
        extra: the requirement to install, e.g. `"declnet[serve]"`.
        packages: the packages that the command imports, e.g. `("httptools", "uvicorn")`.
        more: arguments for `click.Command`.
    """

    def __init__(self, *, extra: str, packages: Sequence[str], **more: Any) -> None:
        super().__init__(**more)
        self._extra, self._packages = extra, packages

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in self._packages if not _is_installed(name)]

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """Return the context, with the arguments parsed.

        Raises:
            DeclnetError: a package is not installed.
        """
        context = super().make_context(info_name, args, parent, **more)
        if self.missing and not context.resilient_parsing:
            from declnet.errors import DeclnetError

            error = DeclnetError(
                f"`declnet {self.name}` needs packages that are not installed "
                f"({', '.join(self.missing)}): pip install '{self._extra}'"
            )
            error.exit_code = 2
            raise error
        return context


def _is_installed(package: str) -> bool:
    """Return whether a package, which may be part of another one, can be imported."""
    from importlib.util import find_spec

    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the other one is missing
        return False
