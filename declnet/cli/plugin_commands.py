"""Plugin commands: entry points of the group `declnet.commands`, imported when called.

`declnet --help` lists commands of other distributions without importing them. It avoids
`importlib.metadata` too, which is slow: names, versions and entry points are read from the folders
that installers write next to packages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter
from typing import Any, NamedTuple, NoReturn

import click

from declnet.cli.display.streams import print_line
from declnet.cli.extra_command import ExtraCommand

GROUP = "declnet.commands"
OWN = "declnet"
"""The distribution whose commands win over others of the same name."""
DISABLE = "DECLNET_DISABLE_PLUGINS"
"""Environment variable: comma-separated plugins, commands or distributions to disable."""

CALLED = f"{__name__}.called"
"""Where a context keeps the plugin's command that is called."""


class Offer(NamedTuple):
    """A command that a distribution offers; `reference` is `"package.module:name"`."""

    command: str
    distribution: str
    version: str
    reference: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


class PluginCommand(click.Command):
    """A plugin command, imported when it is called or its own help is requested."""

    def __init__(self, name: str, offers: list[Offer]) -> None:
        super().__init__(name, short_help=_distributions(offers))
        self._offers = offers

    @property
    def is_own(self) -> bool:
        """Whether declnet's own distribution offers it."""
        return all(offer.distribution == OWN for offer in self._offers)

    @property
    def origin(self) -> str:
        """The command with its distribution."""
        return f"the command `{self.name}` of {_distributions(self._offers)}"

    def load(self) -> click.Command:
        """Return the command itself.

        Raises:
            click.ClickException: it cannot be imported, or several distributions offer it.
        """
        if len(self._offers) > 1:
            names = " and ".join(map(str, self._offers))
            raise _CommandError(
                f"the command `{self.name}` is offered by {names}; "
                f"disable one, e.g. with {DISABLE}={self._offers[-1].distribution}"
            )
        from declnet.registry.plugin import Plugin, cause_of, running_plugin

        (offer,) = self._offers

        def failed(error: BaseException) -> NoReturn:
            message = f"the command `{self.name}` of {offer} cannot be loaded: {cause_of(error)}"
            raise _CommandError(message) from error

        plugin = Plugin(offer.command, offer.distribution, offer.version)
        with running_plugin(plugin, failed):
            module, _, path = offer.reference.partition(":")
            command = attrgetter(path)(import_module(module))
            if not isinstance(command, click.Command):
                raise TypeError(f"{offer.reference} is not a click command")
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """Return the context of the command itself, with its arguments parsed.

        From now on, a signal that ends a process interrupts it, as Ctrl-C does.
        """
        from declnet.cli.process import interrupt_on_signals

        if parent is not None:
            parent.meta[CALLED] = self
            interrupt_on_signals()
        return self.load().make_context(info_name, args, parent, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command itself."""
        return ctx.command.invoke(ctx)

    def failure(self, error: BaseException) -> click.ClickException:
        """Return what is shown of an exception of the command, with its distribution."""
        from declnet.errors import error_place, error_summary

        place = error_place(error)
        where = f" ({place})" if place else ""
        return _CommandError(f"{self.origin} raised {error_summary(error)}{where}")


class CommandGroup(click.Group):
    """Built-in commands and plugin commands, which cannot override built-in ones."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name.

        An error of a plugin's command gets a note with its distribution.

        Raises:
            click.ClickException: it is a plugin's, and raised an exception of its own.
        """
        try:
            return super().invoke(ctx)
        except (_CommandError, click.Abort, click.exceptions.Exit, KeyboardInterrupt):
            raise
        except BaseException as error:
            from declnet.errors import DeclnetError

            called: PluginCommand | None = ctx.meta.get(CALLED)
            if called is None:
                raise
            if isinstance(error, (click.ClickException, DeclnetError, SystemExit)):
                if not called.is_own:
                    error.add_note(f"from {called.origin}")
                raise
            raise called.failure(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, built-in ones first."""
        return [*super().list_commands(ctx), *sorted(offers().keys() - self.commands.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name, without importing a plugin's command yet."""
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        offered = offers().get(cmd_name)
        return PluginCommand(cmd_name, offered) if offered else None

    def is_usable(self, ctx: click.Context, name: str) -> bool:
        """Return whether there is a command, it can be imported, and its packages are installed."""
        command = self.get_command(ctx, name)
        loaded = command and _loaded(command)
        if loaded is None or isinstance(loaded, PluginCommand):
            return False
        return not (isinstance(loaded, ExtraCommand) and loaded.missing)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write declnet's commands, then other distributions', without importing them."""
        listed = {name: self.get_command(ctx, name) for name in sorted(self.list_commands(ctx))}
        limit = formatter.width - 6 - max(map(len, listed))
        sections: dict[str, list[tuple[str, str]]] = {"Commands": [], "Commands of plugins": []}
        for name, command in listed.items():
            if isinstance(command, PluginCommand) and not command.is_own:
                sections["Commands of plugins"].append((name, command.get_short_help_str(limit)))
            elif command is not None:
                text = _loaded(command).get_short_help_str(limit)
                sections["Commands"].append((name, text))
        for name, offered in sorted(offers().items()):
            if name in self.commands:
                hidden = f"{_distributions(offered)} (hidden by the built-in command)"
                sections["Commands of plugins"].append((name, hidden))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class _CommandError(click.ClickException):
    """A plugin command that cannot be used, or has failed; shown like every other error."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002
        """Print the error on standard error."""
        print_line(f"error: {self.message}", err=True)


def _loaded(command: click.Command) -> click.Command:
    """Return the command itself, if it can be imported."""
    try:
        return command.load() if isinstance(command, PluginCommand) else command
    except click.ClickException:
        return command


def offers() -> dict[str, list[Offer]]:
    """Return the installed distributions' offers by command, in the order they are found.

    If declnet's own distribution offers a command, only that offer is listed.
    """
    off = {_normalized(name) for name in os.environ.get(DISABLE, "").split(",")}
    by_command: dict[str, list[Offer]] = {}
    for offer in _installed():
        if not {_normalized(offer.command), offer.distribution} & off:
            by_command.setdefault(offer.command, []).append(offer)
    return {
        command: [offer for offer in offered if offer.distribution == OWN] or offered
        for command, offered in by_command.items()
    }


def _installed() -> Iterator[Offer]:
    """Yield the group's entry points, from the first copy of each distribution on the path."""
    seen = set()
    for path in sys.path:
        try:
            names = sorted(os.listdir(path or "."))  # noqa: PTH208  # pathlib is slow to import
        except OSError:  # missing, or an archive
            continue
        for name in names:
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            if suffix not in (".dist-info", ".egg-info"):
                continue
            distribution, _, version = stem.partition("-")
            distribution = _normalized(distribution)
            if distribution not in seen:
                seen.add(distribution)
                file = os.path.join(path, name, "entry_points.txt")  # noqa: PTH118
                for command, reference in _entry_points(file):
                    yield Offer(command, distribution, version.partition("-")[0], reference)


def _entry_points(file: str) -> Iterator[tuple[str, str]]:
    """Yield the names and references of the group in an entry-points file (INI)."""
    try:
        with open(file, encoding="utf-8") as text:  # noqa: PTH123
            content = text.read()
    except (OSError, ValueError):
        return
    section = ""
    for line in content.splitlines() if GROUP in content else ():
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped.strip("[]").strip()
        elif section == GROUP and "=" in stripped and stripped[0] not in "#;":
            name, _, reference = stripped.partition("=")
            yield name.strip(), reference.partition("[")[0].strip()


def _normalized(name: str) -> str:
    """Return a distribution's name in the normalized form that installers compare."""
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _distributions(offered: list[Offer]) -> str:
    return ", ".join(map(str, offered))
