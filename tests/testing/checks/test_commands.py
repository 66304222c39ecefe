"""Checks of a distribution's commands: correct ones pass, and each fault fails its check."""

import pytest

from declnet import RegistryError
from declnet.testing import check_package

from ...distributions import write_metadata

SOURCE = """
import click

@click.command()
@click.option("--size", help="How much.")
def right(size):
    'Print nothing.'

@click.command()
def mute():
    pass

@click.command()
@click.option("--size")
def bare(size):
    'Print nothing.'

@click.command(add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def helpless(words):
    'Print nothing.'
    raise SystemExit(3)

@click.group(invoke_without_command=True, no_args_is_help=False)
@click.pass_context
def any_option(context):
    'Print nothing.'

def plain():
    'Print nothing.'

@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def wrapper(words):
    'Print nothing.'

class Lenient(click.Command):
    def parse_args(self, ctx, args):
        return super().parse_args(ctx, [arg for arg in args if arg == "--help"])

@click.command(cls=Lenient)
def lenient():
    'Print nothing.'
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Install a distribution with commands, and return its report."""

    def check(**references):
        entries = {"declnet.commands": references}
        write_metadata(tmp_path, "declnet-odd", "0.1.0", entries)
        (tmp_path / "odd_commands.py").write_text(SOURCE)
        monkeypatch.syspath_prepend(tmp_path)
        return check_package("declnet-odd")

    return check


def test_correct_commands_pass(commands):
    report = commands(right="odd_commands:right", wrapper="odd_commands:wrapper")
    assert report.succeeded
    assert report.components == ("command:right", "command:wrapper")
    assert [outcome.check for outcome in report.skipped] == ["refuses_unknown_options"]


@pytest.mark.parametrize(
    ("name", "reference", "check", "message"),
    [
        ("plain", "odd_commands:plain", "can_be_loaded", "not a click command"),
        ("gone", "odd_commands:gone", "can_be_loaded", "gone"),
        ("missing", "no_such_module:right", "can_be_loaded", "no_such_module"),
        ("mute", "odd_commands:mute", "has_help", "no docstring"),
        ("helpless", "odd_commands:helpless", "has_help", "exit code"),
        ("bare", "odd_commands:bare", "describes_its_options", "--size"),
        ("lenient", "odd_commands:lenient", "refuses_unknown_options", "exit code 0"),
        ("run", "odd_commands:right", "has_a_name_of_its_own", "built-in command `run`"),
        ("report", "odd_commands:right", "has_a_name_of_its_own", "declnet offers `report` too"),
    ],
)
def test_each_fault_fails_its_check(commands, name, reference, check, message):
    report = commands(**{name: reference})
    (failure,) = report.failed
    assert (failure.component, failure.check) == (f"command:{name}", check)
    assert message in failure.message


def test_a_distribution_without_commands_and_components(commands):
    with pytest.raises(RegistryError, match="there is no plugin"):
        commands()
