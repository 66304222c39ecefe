"""How a run behaves: what its components compute for synthetic rows, stored and compared later.

Of each result four weighted sums are stored, which differ if the result does. A run is compared
only if a distribution of its components has another version than when it was trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator

from declnet.contracts.component import Component
from declnet.contracts.serialization import Number, Omitted
from declnet.data.synthetic_rows import SyntheticRows
from declnet.display.words import kind_in_words
from declnet.errors import ChangedBehaviorError, Diagnostic, KeyPath, error_summary
from declnet.registry.plugin import LOCAL, normalized
from declnet.registry.registry import Registry
from declnet.runs.computed import Compute, Computed
from declnet.runs.storage.origins import components_in
from declnet.spec.model import RunSpec
from declnet.stored import Stored, require_format

FORM = 1
"""Format version of the file, raised whenever older readers could not read it."""

MISSING = "the run did not store it"


@dataclass(frozen=True)
class Aspect:
    """The sums of results, in the order of their computation.

    Attributes:
        incomplete: why there are not all of them; None if there are.
    """

    results: dict[str, tuple[Number, ...]]
    incomplete: Omitted[str | None] = None

    @classmethod
    def of(cls, results: Iterable[Computed]) -> Self:
        """Compute results; an error of a component that does not take the rows ends them."""
        sums, incomplete = {}, None
        try:
            with np.errstate(all="ignore"):
                for result in results:
                    sums[result.key] = result.sums
        except Exception as error:  # the run itself is not affected
            incomplete = error_summary(error)
        return cls(sums, incomplete)


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

    def difference(self, name: str, compute: Compute) -> Computed | str | None:
        """Return the first result of an aspect that differs now, or why that is unknown.

        Raises:
            Exception: a component that computed a result in the training raises it now.
        """
        aspect = self.aspects.get(name)
        if aspect is None or self.rows is None:
            return MISSING
        with np.errstate(all="ignore"):
            for (key, stored), result in zip(
                aspect.results.items(), compute(self.rows), strict=False
            ):
                if result.key != key or not result.is_close(stored):
                    return result
        return aspect.incomplete


BEHAVIOR_FILE = Stored[Behavior](Behavior)


def require_same_behavior(
    spec: RunSpec,
    behavior: Behavior | None,
    aspects: Mapping[str, Compute],
    changed: Mapping[str, tuple[str, str]],
    registry: Registry,
) -> None:
    """Raise ChangedBehaviorError if a component computes something else than in the training.

    Args:
        spec: the spec as read from the run's folder.
        behavior: what was stored with the run; None if it was killed before.
        aspects: what is compared.
        changed: the versions then and now of distributions whose version differs, by name.
        registry: where the run's names are looked up.
    """
    differing: Computed | str | None = None
    for name, compute in aspects.items():
        differing = behavior.difference(name, compute) if behavior is not None else MISSING
        if differing is not None:
            break
    if differing is None:
        return
    name, (then, now) = next(iter(changed.items()))
    path: KeyPath = ()
    if isinstance(differing, str):
        what = f"{name} was {then} when this run was trained and is {now} now, and what it computes"
        message = f"{what} cannot be compared: {differing}"
    else:
        named = {normalized(name): (name, *versions) for name, versions in changed.items()}
        suspects = [
            ((*place, *inner), part)
            for place, component in ((differing.path, differing.component), *differing.others)
            for inner, part in components_in(component)
        ]
        path, component = next(
            (
                suspect
                for suspect in suspects
                if normalized(_distribution(suspect[1], registry)) in named
            ),
            suspects[0],
        )
        message = f'{kind_in_words(component.kind)} "{component.type}" computes something else '
        origin = named.get(normalized(_distribution(component, registry)))
        if origin is not None:
            name, then, now = origin
            message += f"in {name} {now} than in {then}, which trained this run"
        else:
            message += "than when this run was trained"
        message += f": {differing.what}"
    help_ = f'pip install "{name}=={then}", or accept it with --allow-changes'
    raise ChangedBehaviorError(spec.source_map.locate([Diagnostic(message, help_, path, "E080")]))


def _distribution(component: Component, registry: Registry) -> str:
    return (registry.plugin_of(type(component)) or LOCAL).distribution
