"""Choosing the data source for a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from declnet.contracts.attribution import attributing_errors, named_component
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.returned import verify
from declnet.errors import DataError
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Registry
from declnet.spec.shown_values import is_missing

Part = TypeVar("Part")


def file_source(path: Path, registry: Registry, like: DataSource | None = None) -> DataSource:
    """Return a data source that reads a file.

    Args:
        path: the file, or a folder if a source reads folders.
        like: another source, e.g. the training data's; if its class or one derived from it reads
            such files, its settings, e.g. the delimiter, apply to this file too.

    Raises:
        DataError: the file does not exist, or there is not exactly one data source for it.
    """
    try:
        if not path.is_file() and not path.is_dir():
            missing = f"there is no such file{'' if path.suffix else ' or folder'}"
            raise DataError(
                f"{path}: {missing if is_missing(path) else 'is neither a file nor a folder'}"
            )
    except OSError as error:  # a folder without permission, a name that is too long
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if like is not None and _reads(like, path):
        component = type(like)
    else:
        component = _chosen(path, registry)
        like = like if like is not None and issubclass(component, type(like)) else None
    try:
        source = component.for_file(path, like)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))} {fault['msg']}" for fault in error.errors())
        raise DataError(
            f'{path}: data source "{component.type}" cannot be built for this file: '
            f"{'; '.join(faults)}",
        ) from None
    with attributing_errors(registry):
        return verify(DataSource.for_file, component, source)


def _reads(source: DataSource, path: Path) -> bool:
    if suffix_of(path, source) is not None or _longest_suffix(path, source.list_suffixes):
        return True
    return source.reads_folders and _is_folder(path)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # e.g. a name that is too long
        return False


def suffix_of(path: Path, source: DataSource | type[DataSource]) -> str | None:
    """Return the longest suffix of a source that the file's name ends with, or None."""
    return _longest_suffix(path, source.suffixes)


def _longest_suffix(path: Path, suffixes: Iterable[str]) -> str | None:
    """Return the longest of some suffixes that the name of a file ends with, or None."""
    name = path.name.lower()
    return max((suffix for suffix in suffixes if name.endswith(suffix)), key=len, default=None)


def _chosen(path: Path, registry: Registry) -> type[DataSource]:
    """Return the source that recognizes a list of files, or that with the longest matching suffix.

    Otherwise it is one that reads folders. `_decided` resolves ties.
    """
    sources: list[type[DataSource]] = [
        entry.component for entry in registry.entries(DataSource.kind)
    ]
    by_suffix = [
        (suffix, source) for source in sources if (suffix := suffix_of(path, source)) is not None
    ]
    longest = max((len(suffix) for suffix, _ in by_suffix), default=0)
    fitting = [source for source in sources if _recognizes(source, path, registry)]
    fitting = fitting or [source for suffix, source in by_suffix if len(suffix) == longest]
    if not fitting and _is_folder(path):
        fitting = [source for source in sources if source.reads_folders]
    if not fitting:
        raise _unreadable(path, registry)
    decided = _decided(fitting, registry)
    if len(decided) > 1:
        raise DataError(
            f"{path}: several data sources read such files: "
            f"{', '.join(named_component(component, registry) for component in decided)}",
            hint="list the distribution to use in `plugins` of the spec, or disable the others "
            "with --no-plugin",
        )
    return decided[0]


def _recognizes(source: type[DataSource], path: Path, registry: Registry) -> bool:
    """Return whether a file is a list of what a source reads."""
    if _longest_suffix(path, source.list_suffixes) is None:
        return False
    with attributing_errors(registry):
        return verify(DataSource.recognizes, source, source.recognizes(path))


def _decided(sources: list[type[DataSource]], registry: Registry) -> list[type[DataSource]]:
    """Return the sources from preferred distributions, else declnet's own, else all.

    The same rule applies when several distributions offer one type.
    """
    first_party = {FIRST_PARTY}
    plugins = [(source, registry.plugin_of(source)) for source in sources]
    for names in (registry.preferred - first_party, first_party):
        among = [source for source, by in plugins if by and normalized(by.distribution) in names]
        if among:
            return among
    return sources


def _unreadable(path: Path, registry: Registry) -> DataError:
    """Return the error for a file that no source reads, with readable suffixes and causes."""
    components = [entry.component for entry in registry.entries(DataSource.kind)]
    with attributing_errors(registry):
        hint = next(filter(None, (_hint_of(source, path) for source in components)), None)
    if hint is not None:
        return DataError(f"{path}: no installed data source reads such files", hint=hint)
    suffixes = {suffix for source in components for suffix in source.suffixes}
    hints = [f"its name must end in {', '.join(sorted(suffixes))}" if suffixes else ""]
    for conflict in registry.conflicts():
        if conflict.kind == DataSource.kind and conflict.chosen is None:
            origins = ", ".join(map(str, conflict.plugins))
            hints.append(f'data source "{conflict.type}" is offered by several: {origins}')
    broken = [failure for failure in registry.failures if failure.kind in (DataSource.kind, None)]
    hints += [f"broken plugin: {failure}" for failure in broken[:1]]
    if registry.disabled:
        hints.append(f"disabled plugins: {', '.join(map(str, registry.disabled))}")
    return DataError(
        f"{path}: no installed data source reads such files",
        hint="; ".join(filter(None, hints)) or None,
    )


def _hint_of(source: type[DataSource], path: Path) -> str | None:
    """Return how to declare a source of a class for a file."""
    return verify(DataSource.hint_for_file, source, source.hint_for_file(path))


def called(data: Path | DataSource) -> str:
    """Return the name of a file or source in messages."""
    return f'data source "{data.type}"' if isinstance(data, DataSource) else str(data)


@contextmanager
def naming(data: Path | DataSource, like: DataSource | None = None) -> Iterator[None]:
    """Prefix errors that name only a row or column with the name of the file or source.

    Args:
        like: a source whose settings apply to a file; the hint says how to give others for it.
    """
    name = called(data)
    try:
        yield
    except DataError as error:
        named = error.message.startswith(name)
        message = error.message if named else f"{name}: {error.message}"
        hint = error.hint
        if hint is not None and "in the data source" in hint:
            hint += _settings(hint, data, like)
        raise error.replaced(message=message, hint=hint) from None


def with_settings(
    read: Callable[[], Iterable[Part]], data: Path | DataSource, like: DataSource | None
) -> Iterator[Part]:
    """Yield the parts of a file; hints of its source say how to give settings for it, as `naming`.

    Args:
        like: as for `naming`.
    """
    try:
        yield from read()
    except DataError as error:
        hint = error.hint and error.hint + _settings(error.hint, data, like)
        raise error.replaced(hint=hint) from None


def _settings(hint: str, path: Path | DataSource, like: DataSource | None) -> str:
    """Return how to give the settings that a hint mentions for one file; `""` if there are none."""
    if not isinstance(path, Path) or like is None or not _reads(like, path):
        return ""
    words = set(re.findall(r"\w+", hint))
    settings = [name for name in type(like).model_fields if name in words and name not in _COLUMNS]
    if not settings:
        return ""
    keys = ", ".join(f"{name} = …" for name in settings)
    then = " Then give" if hint.endswith("?") else "; give"
    return f"{then} '{{ path = \"{path}\", {keys} }}' in place of the file"


_COLUMNS = ("path", "target", "targets", "features")
"""Settings of a source that are not about the format of a file."""
