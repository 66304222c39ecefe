"""`load_spec` and `parse_spec`: from a file or a document to a `RunSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from declnet.errors import SpecError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.spec.document import read_document
from declnet.spec.name import fit_name
from declnet.spec.overrides import apply_overrides
from declnet.spec.problems import problems_of
from declnet.spec.run_spec import RunSpec


def load_spec(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> RunSpec:
    """Reads and validates a spec file, TOML or JSON by its suffix.

    Args:
        path: the file; relative paths in it are relative to its folder.
        overrides: values by dotted key, e.g. `{"model.layers.0.units": 32}`.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: with every fault of the spec at once.
    """
    path = Path(path)
    document = apply_overrides(read_document(path), overrides or {})
    document.setdefault("name", fit_name(path.stem))
    return parse_spec(document, registry, folder=path.parent.absolute(), source=str(path))


def parse_spec(
    document: Mapping[str, Any],
    registry: Registry | None = None,
    *,
    folder: Path | None = None,
    source: str | None = None,
) -> RunSpec:
    """Validates a spec that a program holds as plain tables, lists and scalars.

    Args:
        document: the spec; instances of components may stand where names and tables may.
        registry: where names are looked up; default: all installed plugins.
        folder: what relative paths are relative to; default: the working folder.
        source: what error messages call the spec.

    Raises:
        SpecError: with every fault of the spec at once.
    """
    context = {"registry": registry or default_registry(), "folder": folder or Path.cwd()}
    try:
        return RunSpec.model_validate(document, context=context)
    except ValidationError as error:
        problems = problems_of(error, document)
        sections = _valid_sections(document, context)
        raise SpecError(problems, source, sections) from None


def _valid_sections(document: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """The sections that are right by themselves, for the checks that need no other."""
    sections = {}
    for name, field in RunSpec.model_fields.items():
        if name in document:
            try:
                adapter: TypeAdapter[Any] = TypeAdapter(cast("Any", field.annotation))
                sections[name] = adapter.validate_python(document[name], context=dict(context))
            except ValidationError:
                continue
    return sections
