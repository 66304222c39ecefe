"""Behavior of a run: results of its components for synthetic rows, stored and compared later.

Each result is stored as four weighted sums, which differ if the result does. A run is compared
only if a distribution of its components has another version than when it was trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator

from declnet.contracts.component import components_in
from declnet.contracts.serialization import Number, Omitted
from declnet.data.synthetic_rows import SyntheticRows
from declnet.display.words import kind_in_words
from declnet.errors import ChangedBehaviorError, Diagnostic, KeyPath, error_summary
from declnet.registry.plugin import LOCAL
from declnet.registry.registry import Registry
from declnet.runs.computed import Compute, Computed
from declnet.runs.storage import folder
from declnet.runs.storage.checksums import RunFiles
from declnet.spec.model import RunSpec
from declnet.stored import Stored, require_format

FORM = 1
"""Format version of the file, raised whenever older readers could not read it."""

MISSING = "the run did not store it"


@dataclass(frozen=True)
class Aspect:
    """The sums of results, in the order of their computation.

    Attributes:
        results: the sums, each with the result's key.
        incomplete: why there are not all of them; None if there are.
    """

    results: tuple[tuple[str, tuple[Number, ...]], ...]
    incomplete: Omitted[str | None] = None

    @classmethod
    def of(cls, results: Iterable[Computed]) -> Self:
        """Compute results; an error of a component that does not take the rows ends them."""
        sums: list[tuple[str, tuple[float, ...]]] = []
        incomplete = None
        try:
            with np.errstate(all="ignore"):
                sums.extend((result.key, result.sums) for result in results)
        except Exception as error:  # the run itself is not affected
            incomplete = error_summary(error)
        return cls(tuple(sums), incomplete)


@dataclass(frozen=True, eq=False)
class Behavior:
    """What the components of a run compute.

    Attributes:
        aspects: `preparation`, `predictions` and `evaluation` of a model; `training` of a run that
            can be resumed.
    """

    form: Annotated[int, AfterValidator(partial(require_format, FORM))]
    rows: SyntheticRows | None
    aspects: dict[str, Aspect]

    @classmethod
    def recorded(cls, rows: SyntheticRows | None, aspects: Mapping[str, Compute]) -> Self:
        """Compute some aspects; without rows, none."""
        if rows is None:
            return cls(FORM, None, {})
        return cls(FORM, rows, {name: Aspect.of(run(rows)) for name, run in aspects.items()})

    def difference(self, aspects: Mapping[str, Compute]) -> Computed | str | None:
        """Return the first result of some aspects that differs now, or why that is unknown."""
        for name, compute in aspects.items():
            aspect = self.aspects.get(name)
            if aspect is None or self.rows is None:
                return MISSING
            try:
                with np.errstate(all="ignore"):
                    pairs = zip(aspect.results, compute(self.rows), strict=False)
                    for (key, sums), result in pairs:
                        if result.key != key or not result.is_close(sums):
                            return result
            except Exception as error:
                return error_summary(error)
            if aspect.incomplete is not None:
                return aspect.incomplete
        return None


BEHAVIOR_FILE = Stored[Behavior](Behavior)


def require_same_behavior(
    spec: RunSpec,
    files: RunFiles,
    aspects: Mapping[str, Compute],
    changed: Mapping[str, tuple[str, str]],
    registry: Registry,
) -> None:
    """Raise ChangedBehaviorError if a component computes something else than in the training.

    Args:
        spec: the spec as read from the run's folder.
        files: the files of the run.
        aspects: what is compared.
        changed: the versions then and now of distributions whose version differs, by name; if there
            are none, nothing is compared.
        registry: where the run's names are looked up.
    """
    if not changed:
        return
    content = files.read(folder.BEHAVIOR)
    differing: Computed | str | None = MISSING
    if content is not None:
        with folder.reading(files.directory / folder.BEHAVIOR):
            behavior = BEHAVIOR_FILE.parse(content)
        differing = behavior.difference(aspects)
    if differing is None:
        return
    name, (then, now) = next(iter(changed.items()))
    path: KeyPath = ()
    if isinstance(differing, str):
        message = (
            f"{name} was {then} when this run was trained and is {now} now, and what it computes "
            f"cannot be compared: {differing}"
        )
    else:
        parts = (components_in(part, path) for path, part in differing.sources)
        sources = [source for part in parts for source in part]
        origins = [registry.plugin_of(type(component)) or LOCAL for _, component in sources]
        suspects = [
            (name, source)
            for source, origin in zip(sources, origins, strict=True)
            for name in changed
            if origin.is_of(name)
        ]
        path, component = suspects[0][1] if suspects else sources[0]
        message = f'{kind_in_words(component.kind)} "{component.type}" computes something else '
        if suspects:
            name = suspects[0][0]
            then, now = changed[name]
            message += f"in {name} {now} than in {then}, which trained this run: {differing.what}"
        else:
            message += f"than when this run was trained: {differing.what}"
    help_ = f'pip install "{name}=={then}", or accept it with --allow-changes'
    raise ChangedBehaviorError(spec.source_map.locate([Diagnostic(message, help_, path, "E080")]))
