"""Reference of every command with its arguments and options, from click."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from declnet.cli.main import command
from declnet.cli.plugin_commands import PluginCommand
from declnet_pages.markdown import block, code, prose, table


def command_reference() -> str:
    """Return a section for each command, in the order of the command line's help."""
    return "\n".join(_section(context) for context in command_contexts())


def command_contexts(
    root: click.Command = command, name: str = "declnet", parent: click.Context | None = None
) -> Iterator[click.Context]:
    """Yield a context for each command, with its path (`declnet plugins show`), groups first."""
    context = click.Context(root, info_name=name, parent=parent, **root.context_settings)
    yield context
    if isinstance(root, click.Group):
        for each in root.list_commands(context):
            found = root.get_command(context, each)
            if found is not None:
                loaded = found.load() if isinstance(found, PluginCommand) else found
                yield from command_contexts(loaded, each, context)


def _section(context: click.Context) -> str:
    path, each = context.command_path, context.command
    words = path.split()
    usage = " ".join([path, *each.collect_usage_pieces(context)])
    rows = [_row(option, context) for option in each.get_params(context)]
    parts = [
        f"(command-{'-'.join(words)})=\n{'#' * (len(words) + 1)} {path}\n",
        block(usage, "text"),
        _help(each),
        table(("option", "default", ""), [row for row in rows if row is not None]),
    ]
    return "\n".join(parts)


def _help(each: click.Command) -> str:
    """Return the help as paragraphs, without click's markers for unwrapped paragraphs."""
    text = inspect.cleandoc(each.help or "").replace("\b", "").replace("\\b", "").strip()
    return prose(text) + "\n"


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, str, str] | None:
    if not isinstance(parameter, click.Option):
        return None
    names, description = parameter.get_help_record(context) or ("", "")
    default = ""
    if "[default: " in description:
        description, _, rest = description.rpartition("[default: ")
        default = rest.removesuffix("]")
    return code(names), code(default), prose(description.strip())
