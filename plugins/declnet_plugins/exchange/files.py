"""Files of both commands: which format a name means, and writing them whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from declnet import (
    Component,
    OutputError,
    Registry,
    attributing_errors,
    require_free,
    verified,
    write_atomically,
)
from declnet_plugins.exchange.exporter import Exporter, ExportError, FormatError
from declnet_plugins.exchange.importer import Importer

Format = TypeVar("Format", Exporter, Importer)


def format_for(
    contract: type[Format],
    path: Path,
    form: str | None,
    options: Mapping[str, Any] | None,
    registry: Registry,
) -> Format:
    """Return the exporter or importer for a file.

    Args:
        contract: `Exporter` or `Importer`.
        path: the file, whose suffix decides without `form`; the longest one that matches.
        form: the type of the exporter or importer.
        options: its fields.
        registry: where it is looked up.

    Raises:
        FormatError: no format has the file's suffix, or several have; or an option is wrong.
        UnknownTypeError: there is no such type.
    """
    form = form or _format_of(contract, path.name.lower(), registry)
    table = {**(options or {}), "type": form}
    try:
        chosen: Format = contract.from_declaration(table, {"registry": registry})
    except ValidationError as error:
        fields = registry.find(contract.kind, form).model_fields
        known = "; ".join(f"{name}, {field.description}" for name, field in fields.items())
        known = f"options of {form}: {known}" if fields else f"{form} has no options"
        raise _refusal(
            contract,
            *(
                (f"{'.'.join(map(str, problem['loc'])) or form}: {problem['msg']}", known)
                for problem in error.errors()
            ),
        ) from None
    with attributing_errors(registry):
        reason = verified(contract.unavailable, chosen)  # type: ignore[arg-type]  # a class method
    if reason is not None:
        verb = "written" if contract is Exporter else "read"
        message = f'files of the format "{form}" cannot be {verb}: {reason}'
        raise _refusal(contract, (message, None))
    return chosen


def _format_of(contract: type[Component], name: str, registry: Registry) -> str:
    """Return the only format whose suffix a file's name ends with, the longest one."""
    suffixes = [
        (suffix, entry.type)
        for entry in registry.entries(contract.kind)
        for suffix in entry.component.suffixes
    ]
    matching = [(suffix, form) for suffix, form in suffixes if name.endswith(suffix)]
    longest = max((len(suffix) for suffix, _ in matching), default=0)
    formats = sorted(form for suffix, form in matching if len(suffix) == longest)
    if len(formats) == 1:
        return formats[0]
    if formats:
        message = f"{name}: several formats have this suffix: {', '.join(formats)}"
        raise _refusal(contract, (message, f"choose one: --format {formats[0]}"))
    known = ", ".join(f"{suffix} ({form})" for suffix, form in suffixes)
    hint = f"known suffixes: {known}" if known else f"no {contract.kind} is installed"
    raise _refusal(contract, (f"{name}: no installed format has this suffix", hint))


def _refusal(contract: type[Component], *reasons: tuple[str, str | None]) -> FormatError:
    return (ExportError if contract is Exporter else FormatError)(reasons)


def write_file(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: the file exists without `force`, or cannot be written.
    """
    require_free(path, force)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
