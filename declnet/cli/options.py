"""Options and arguments shared by several commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from declnet.cli.editable_number import EditableNumber
    from declnet.contracts.runs.executor import Executor
    from declnet.errors import KeyPath
    from declnet.registry.registry import Registry
    from declnet.runs.many.shards import Shard
    from declnet.runs.stepwise import StepwiseTraining
    from declnet.spec.model import RunSpec
    from declnet.training.checks.check import Checked

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)
"""The type of arguments and options that are paths."""


run_argument = click.argument("run", type=PATH)

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the spec, e.g. training.epochs=10 or model.layers.0.units=32.",
)


def several_values(override: str) -> list[str]:
    """Return the values of an override such as `variables.width=32,64`, without repetitions.

    A list in brackets and a text in quotation marks are one value, and so is what `seed` gets,
    since there is `--seeds`.
    """
    key, _, value = override.partition("=")
    value = value.strip()
    if key.strip() == "seed" or not re.fullmatch(r"[^\s,\"'\[{]+(,[^\s,]+)+", value):
        return [value]
    return list(dict.fromkeys(value.split(",")))


no_plugin_option = click.option(
    "--no-plugin",
    "disabled",
    multiple=True,
    metavar="NAME",
    help="Disable a plugin: the name of its entry point or distribution.",
)

allow_changes_option = click.option(
    "--allow-changes",
    is_flag=True,
    help="Accept components that compute something else than when the run was trained. `resume` "
    "also accepts another spec, other data and other versions, which the manifest lists.",
)

quiet_option = click.option(
    "--quiet", is_flag=True, help="Print only the result, without log lines or progress."
)

plain_option = click.option(
    "--plain", is_flag=True, help="Print the same output on a terminal as to a pipe."
)

ascending_option = click.option(
    "--ascending/--descending",
    "ascending",
    default=None,
    help="Sort by value, lowest or highest first.  [default: best first]",
)

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Number of runs to train in parallel; if more than 1, each uses one thread.  [default: "
    "the number of cores]",
)


def _shard(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Shard | None:
    from declnet.runs.many.shards import Shard

    try:
        return None if text is None else Shard.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def shard_option(description: str) -> Decorator:
    """Return the option `--shard`, whose value is a `Shard` or None."""
    return click.option("--shard", metavar="NUMBER/COUNT", callback=_shard, help=description)


shard_of_runs_option = shard_option(
    "Train only one part of the runs, e.g. 3/64. Every machine divides the runs in the same way; "
    "the folders of all parts, copied into one, form the complete sweep."
)

on_option = click.option(
    "--on",
    metavar="EXECUTOR",
    help="Executor to train the runs on: a type, with an address if it takes one, e.g. ray, "
    "ray:auto or ray://HOST:10001, or an inline table as in a spec.  [default: this machine]",
)


def gathered(options: type[Any]) -> Decorator:
    """Pass a command its parameters that are fields of a dataclass as one object, first.

    Parameters that the command lacks have the default of their field.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(**values: Any) -> Any:
            names = [field.name for field in fields(options) if field.name in values]
            return command(options(**{name: values.pop(name) for name in names}), **values)

        return call

    return decorate


@dataclass(frozen=True)
class PluginOptions:
    """The option `--no-plugin` of a command.

    Attributes:
        disabled: the plugins that it disables.
    """

    disabled: tuple[str, ...] = ()

    @classmethod
    def pass_to(cls) -> Decorator:
        """Return a decorator that adds the option to a command, which gets the object first."""
        return lambda command: no_plugin_option(gathered(cls)(command))

    @cached_property
    def registry(self) -> Registry:
        """The registry of all plugins that are not disabled."""
        from declnet.registry.discovery import default_registry, discover

        return discover(self.disabled) if self.disabled else default_registry()


@dataclass(frozen=True)
class TrainedOptions(PluginOptions):
    """The options `--no-plugin` and `--allow-changes` of a command that uses a trained model.

    Attributes:
        disabled: the plugins that `--no-plugin` disables.
        allow_changes: as for `open_run`.
    """

    allow_changes: bool = False

    @classmethod
    def pass_to(cls) -> Decorator:
        """Return a decorator that adds the options to a command, which gets the object first."""
        return lambda command: allow_changes_option(super(TrainedOptions, cls).pass_to()(command))


@dataclass(frozen=True)
class TrainOptions(PluginOptions):
    """Options of commands that train, each with those that it has.

    Attributes:
        overrides: the changes of the spec's keys, as written after `--set`.
        out: the folder to write, new or empty; None for a numbered one in `runs`.
        seeds: the seeds to train with; None for the spec's.
        jobs: how many runs to train at once on this machine; None for the default.
        on: the executor, as written; None for this machine.
        shard: the part of the runs to train; None for all.
        allow_changes: as for `resume`.
        quiet: whether to print failures and results only.
        plain: whether a terminal gets the same output as a pipe.
        form: `json` for the summary of a study instead of its tables.
    """

    overrides: tuple[str, ...] = ()
    out: Path | None = None
    seeds: tuple[int, ...] | None = None
    jobs: int | None = None
    on: str | None = None
    shard: Shard | None = None
    allow_changes: bool = False
    quiet: bool = False
    plain: bool = False
    form: str = "text"

    def executor(self) -> Executor | None:
        """Return the executor that `--on` names; None for this machine.

        Raises:
            SpecError: there is no such executor, or a key of it is wrong.
            UsageError: it cannot be used here.
        """
        if self.on is None:
            return None
        if self.jobs is not None:
            raise click.UsageError(
                "--jobs applies to runs on this machine and cannot be combined with --on"
            )
        from declnet.contracts.attribution import attributing_errors
        from declnet.contracts.returned import why_unavailable
        from declnet.contracts.runs.executor import Executor
        from declnet.spec.source_argument import declared_component

        executor = declared_component(Executor, self.on, "--on", 1, self.registry)
        with attributing_errors(self.registry):
            why = why_unavailable(executor)
        if why is not None:
            raise click.UsageError(f"--on {self.on}: {why}")
        return executor

    def require_one_run(self, ways: str = "") -> None:
        """Raise UsageError for an option that needs several runs.

        Args:
            ways: how to have several, e.g. `: --seeds`.
        """
        for option, is_given, purpose in (
            ("--shard", self.shard is not None, "divide"),
            ("--on", self.on is not None, "train elsewhere"),
            ("--jobs", (self.jobs or 1) > 1, "train in parallel"),
        ):
            if is_given:
                raise click.UsageError(f"{option} needs several runs to {purpose}{ways}")


@dataclass(frozen=True, kw_only=True)
class SpecOptions(PluginOptions):
    """The spec that a command gets: its argument, and the options `--set` and `--no-plugin`.

    Attributes:
        path: the argument.
        overrides: the changes of its keys, as written after `--set`.
        disabled: the plugins that `--no-plugin` disables.
    """

    path: Path
    overrides: tuple[str, ...] = ()

    @classmethod
    def pass_to(cls, metavar: str = "SPEC") -> Decorator:
        """Return a decorator that adds the argument and options to a click command.

        The command gets the object as its first argument.

        Args:
            metavar: the argument in the command's help.
        """

        def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
            command = set_option(no_plugin_option(gathered(cls)(command)))
            return click.argument("path", metavar=metavar, type=PATH)(command)

        return decorate

    def load(self) -> RunSpec:
        """Read and check the spec, and print its warnings.

        Raises:
            SpecError: it is invalid; contains all errors and warnings.
        """
        from declnet.cli.display.diagnostics import show_diagnostics

        spec, checked = self._checked
        show_diagnostics(checked.warnings)
        return spec

    def start(self, spec: RunSpec | None = None) -> StepwiseTraining:
        """Load the data of the spec, and return the training before its first step.

        Args:
            spec: may differ from the spec in `engine`; default: the spec.
        """
        from declnet.runs.stepwise import StepwiseTraining

        loaded, checked = self._checked
        return StepwiseTraining(spec or loaded, self.registry, checked=checked)

    def editable_number(self, key: KeyPath, number: float) -> EditableNumber:
        """Return a number in the file that will be set with its method `set`.

        Args:
            key: the key in the file itself.
            number: a number to try.

        Raises:
            OutputError: the file cannot be written to, or the key is in a form that cannot be
                edited.
        """
        from declnet.cli.editable_number import EditableNumber

        return EditableNumber(self.path, key, number)

    @cached_property
    def _checked(self) -> tuple[RunSpec, Checked]:
        from declnet.cli.reading import valid_spec

        return valid_spec(self.path, self.overrides, self.registry)


def share_data() -> None:
    """Let the runs of this command load what they have in common once."""
    from declnet.caching import sharing_results

    click.get_current_context().with_resource(sharing_results())


def format_option(description: str) -> Decorator:
    """Return the option `--format`, text or JSON."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        help=f"json: {description}",
    )


def sort_option(others: str, default: str) -> Decorator:
    """Return the option `--sort`, a metric or one of the others."""
    return click.option(
        "--sort",
        "sort_by",
        metavar="METRIC",
        help="Sort by a final metric, best first, e.g. loss or test.loss"
        f"{others}.  [default: {default}]",
    )


def seeds_option(description: str) -> Decorator:
    """Return the option `--seeds`, whose value is a tuple of integers or None."""
    return click.option(
        "--seeds",
        metavar="SEEDS",
        callback=lambda _context, _parameter, text: None if text is None else parse_seeds(text),
        help=description,
    )


MOST = 10_000
"""Maximum seeds in one command; more than that is taken for a typo."""

LARGEST = 2**53
"""The largest seed that a spec allows."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse seeds such as `0..9`, `0,3,7` or `0..4,10`, in order; ranges include both ends.

    Raises:
        BadParameter: the text has another form, or a seed is too large or given twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        seeds += _range(part.strip())
        if len(seeds) > MOST:
            raise click.BadParameter(f"more than {MOST} seeds")
    if max(seeds) > LARGEST:
        raise click.BadParameter(f"{max(seeds)} is larger than 2^53")
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise click.BadParameter(f"duplicate seed {twice}")
    return tuple(seeds)


def _range(text: str) -> range:
    match = re.fullmatch(r"([0-9]{1,17})(?:\.\.([0-9]{1,17}))?", text)
    if match is None:
        raise click.BadParameter(f'"{text}" is not a valid seed; write e.g. 0..9 or 0,3,7')
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise click.BadParameter(f'"{text}" runs backwards; write {last}..{first}')
    if last - first >= MOST:
        raise click.BadParameter(f'"{text}" are more than {MOST} seeds')
    return range(first, last + 1)
