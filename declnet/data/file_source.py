"""The data source that reads a file, by the end of the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from declnet.components.attribution import named_component
from declnet.components.data_source import DataSource
from declnet.errors import ComponentError, DataError
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Registry


def file_source(path: Path, registry: Registry, like: DataSource | None = None) -> DataSource:
    """Return a data source that reads a file.

    Args:
        path: the file, or a folder, where a source reads folders.
        registry: where data sources are looked up.
        like: another source, e.g. the one of the training data; if its class reads such files, the
            file is read as that one's, e.g. with its delimiter.

    Raises:
        DataError: there is no such file, or not exactly one data source for it.
    """
    if like is not None and suffix_of(path, like) is not None:
        component = type(like)
    else:
        component, like = _chosen(path, registry), None
    if not path.is_file() and not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "there is no such file"
        raise DataError(f"{path}: {what}")
    try:
        source = component.for_file(path, like)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, each['loc']))} {each['msg']}" for each in error.errors())
        raise DataError(
            f'{path}: data source "{component.type}" cannot be built for this file: '
            f"{'; '.join(faults)}",
        ) from None
    if not isinstance(source, DataSource):
        raise ComponentError(
            f"{named_component(component, registry)}: for_file() returned {source!r}, "
            "not a DataSource"
        )
    return source


def suffix_of(path: Path, source: DataSource | type[DataSource]) -> str | None:
    """Return the longest suffix of a source that a file's name ends in, or None."""
    name = path.name.lower()
    return max((each for each in source.suffixes if name.endswith(each)), key=len, default=None)


def _chosen(path: Path, registry: Registry) -> type[DataSource]:
    """The source with the longest suffix that fits; of several, as `_decided` says."""
    found: list[tuple[str, type[DataSource]]] = [
        (suffix, entry.component)
        for entry in registry.entries(DataSource.kind)
        if (suffix := suffix_of(path, entry.component)) is not None
    ]
    longest = max((len(suffix) for suffix, _ in found), default=0)
    fitting = [source for suffix, source in found if len(suffix) == longest]
    if not fitting:
        raise _unreadable(path, registry)
    decided = _decided(fitting, registry)
    if len(decided) > 1:
        raise DataError(
            f"{path}: several data sources read such files: "
            f"{', '.join(named_component(each, registry) for each in decided)}",
            hint="list the distribution to use in `plugins` of the spec, or disable the others "
            "with --no-plugin",
        )
    return decided[0]


def _decided(sources: list[type[DataSource]], registry: Registry) -> list[type[DataSource]]:
    """Those of preferred distributions, else declnet's own, else all.

    As where several distributions offer one type.
    """
    own = {FIRST_PARTY}
    for names in (registry.preferred - own, own):
        among = [each for each in sources if _distribution(each, registry) in names]
        if among:
            return among
    return sources


def _distribution(source: type[DataSource], registry: Registry) -> str | None:
    plugin = registry.plugin_of(source)
    return normalized(plugin.distribution) if plugin is not None else None


def _unreadable(path: Path, registry: Registry) -> DataError:
    """The error for a file that no source reads: what is readable, and what might have been."""
    suffixes = {
        each for entry in registry.entries(DataSource.kind) for each in entry.component.suffixes
    }
    hints = [f"its name must end in {', '.join(sorted(suffixes))}" if suffixes else ""]
    for conflict in registry.conflicts():
        if conflict.kind == DataSource.kind and conflict.chosen is None:
            origins = ", ".join(map(str, conflict.plugins))
            hints.append(f'data source "{conflict.type}" is offered by several: {origins}')
    broken = [each for each in registry.failures if each.kind in (DataSource.kind, None)]
    hints += [f"broken plugin: {each}" for each in broken[:1]]
    if registry.disabled:
        hints.append(f"disabled plugins: {', '.join(map(str, registry.disabled))}")
    return DataError(
        f"{path}: no installed data source reads such files",
        hint="; ".join(filter(None, hints)) or None,
    )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put a file's name before errors that name a row or a column of it alone."""
    try:
        yield
    except DataError as error:
        if error.message.startswith(str(path)):
            raise
        raise DataError(
            f"{path}: {error.message}", hint=error.hint, path=error.path, code=error.code
        ) from None
