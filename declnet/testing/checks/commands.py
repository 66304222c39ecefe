"""Checks on the commands that a distribution adds to `declnet`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import click
from click.testing import CliRunner, Result

from declnet import command as command_line
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require
from declnet.testing.side_effects import has_no_side_effects

GROUP = "declnet.commands"

UNKNOWN, USAGE = "--no-such-option-anywhere", 2
"""An option that no command has, and the exit code for it."""


@dataclass(frozen=True)
class Command:
    """A command as its distribution declares it."""

    kind = "command"

    type: str
    point: EntryPoint

    def load(self) -> click.Command:
        """Return the command itself."""
        fault = f"{self.point.value} is not a click command"
        try:
            with calling(f"the import of {self.point.value}"):
                command = self.point.load()
        except CheckFailed as failure:
            raise CheckFailed(str(failure), fault) from failure.__cause__
        if not isinstance(command, click.Command):
            raise CheckFailed(f"{fault}, but {command!r}", fault)
        return command

    @property
    def distribution(self) -> str:
        """The name of its distribution."""
        return self.point.dist.name if self.point.dist else ""


def commands_of(name: str) -> list[Subject]:
    """Return the commands of an entry point, a distribution or a package."""
    points = entry_points(group=GROUP)
    chosen = (
        [point for point in points if point.name == name]
        or [point for point in points if point.dist and _normalized(point.dist.name) == name]
        or [point for point in points if f"{point.module}.".startswith(f"{name}.")]
    )
    return [Subject(Command(point.name, point)) for point in chosen]


def _normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _run(command: click.Command, option: str) -> Result:
    with calling(option):
        return CliRunner().invoke(command, [option], catch_exceptions=False)


@check
def can_be_loaded(subject: Subject) -> None:
    """Is a click command that can be imported."""
    subject.instance.load()


@check
def has_help(subject: Subject) -> None:
    """Says for `--help` what it does, and ends with 0."""
    command = subject.instance.load()
    done = _run(command, "--help")
    require(not done.exit_code, f"--help ends with the exit code {done.exit_code}: {done.output}")
    fault = "it has no docstring; say in a line what it does, and to what"
    require((command.help or "").strip(), fault)


@check
def describes_its_options(subject: Subject) -> None:
    """Describes each option."""
    options = [
        parameter
        for parameter in subject.instance.load().params
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    bare = [option.opts[-1] for option in options if not option.help]
    require(not bare, f"no description of {', '.join(bare)}; add help=…")


@check
def refuses_unknown_options(subject: Subject) -> None:
    """Refuses an option that it does not have with the exit code 2, before it does anything."""
    command = subject.instance.load()
    takes_any = command.context_settings.get("ignore_unknown_options")
    checking.skip_unless(not takes_any, "it takes any option")
    code = _run(command, UNKNOWN).exit_code
    require(code == USAGE, f"{UNKNOWN} ends with the exit code {code}, not {USAGE}")


@check
def has_a_name_of_its_own(subject: Subject) -> None:
    """Has the name of no built-in command, and of none that another distribution offers."""
    name = subject.instance.type
    fault = f"the built-in command `{name}` hides it; choose another name"
    require(name not in command_line.commands, fault)
    points = entry_points(group=GROUP, name=name)
    others = {point.dist.name for point in points if point.dist} - {subject.instance.distribution}
    fault = f"{' and '.join(sorted(others))} offers `{name}` too; choose another name"
    require(not others, fault)


CHECKS = (*checks_in(globals()), has_no_side_effects)
