"""`declnet show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.display.streams import print_document
from declnet.cli.options import SpecOptions
from declnet.display.characters import escaped_line

if TYPE_CHECKING:
    from declnet.errors import KeyPath
    from declnet.spec.model import RunSpec


@click.command(short_help="Print a spec in full, with the origin of each value.")
@SpecOptions.pass_to()
def show(options: SpecOptions) -> None:
    """Print SPEC as TOML, with its bases, overrides and defaults resolved.

    A comment after each value shows its origin: a file and line, --set, or default. For the folder
    of a run or a pack, the spec that it stores is printed as it is.
    """
    from declnet.cli.reading import read
    from declnet.runs.storage.folder import unpacked

    if unpacked(options.path).is_dir():
        from declnet.runs.stored_run import open_run

        if options.overrides:
            raise click.UsageError("--set changes a spec, but this is a run")
        print_document(open_run(options.path).spec_text)
        return
    parsed = read(options.path, options.overrides, options.registry)
    print_document(_annotated(parsed.require()))


def _annotated(spec: RunSpec) -> str:
    """Return the resolved spec as TOML, each value followed by its origin in a comment."""
    import tomli_w

    from declnet.spec.display import origins, shown_document
    from declnet.spec.document.source_map import Source

    document = shown_document(spec)
    text = tomli_w.dumps(document)
    resolved = Source("resolved", text, "toml")
    by_line: dict[int, dict[str, None]] = {}  # each origin once
    for path in _values(document, ()):
        place = resolved.place_of(path, "value")
        if place is not None:
            by_line.setdefault(place.line, {}).update(dict.fromkeys(origins(spec, path)))
    return "\n".join(
        f"{line}  # {escaped_line(', '.join(by_line[number]))}" if number in by_line else line
        for number, line in enumerate(text.split("\n"), start=1)
    )


def _values(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Yield the paths of all values except tables; a list of scalars is one value."""
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values(item, (*path, key))
    else:
        yield path
