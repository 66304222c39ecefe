"""Keys of a spec as parameters of an estimator, such as `optimizer__learning_rate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator

from declnet.registry.spelling import closest
from declnet.spec.document.variables import VARIABLES
from declnet.spec.model import RunSpec


def dotted_key(name: str) -> str:
    """Return the key of a parameter: a name with dots unchanged, else with dots for `__`."""
    return name if "." in name else name.replace("__", ".")


def parameter_name(key: str) -> str:
    """Return the name of a dotted key as a parameter, from which `dotted_key` restores it."""
    name = key.replace(".", "__")
    return name if dotted_key(name) == key else key


TOGETHER = "spec_keys"
"""The parameter for a mapping of several keys."""


class SpecKeys(BaseEstimator):
    """An estimator whose parameters are its own and, in addition, any keys of its spec.

    Keys are dotted as for `--set`, or have `__` in place of each dot; `get_params` has those that
    were set. The parameter `spec_keys` is a mapping of several, which come before single ones.
    """

    def _set_spec_keys(self, given: Mapping[str, Any]) -> None:
        known = [*RunSpec.model_fields, VARIABLES]
        keys = {dotted_key(name): value for name, value in given.items()}
        for name, key in zip(given, keys, strict=True):
            first = key.split(".")[0]
            if first not in known and name != TOGETHER:
                own = [*sorted(self._get_param_names()), TOGETHER]
                meant = closest(first, [*known, *own])
                hint = f"did you mean {meant!r}? " if meant is not None else ""
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}: {hint}"
                    f"Valid parameters are {own}, and the keys of a spec, which begin with one of "
                    f"{known}."
                )
        if keys:  # an attribute that is there only if needed
            self._spec_keys = {**self._keys, **keys}

    @property
    def _keys(self) -> dict[str, Any]:
        """The keys of the spec that were set, dotted."""
        found: dict[str, Any] = self.__dict__.get("_spec_keys", {})
        return found

    def _overrides(self) -> dict[str, Any]:
        """Return the spec's keys that were set, whole tables before what is in them.

        Raises:
            TypeError: `spec_keys` is not a mapping.
        """
        together = self._keys.get(TOGETHER) or {}
        if not isinstance(together, Mapping):
            raise TypeError(f"{TOGETHER} must be a mapping of dotted keys, not {together!r}")
        single = {key: value for key, value in self._keys.items() if key != TOGETHER}
        keys = {dotted_key(name): value for name, value in together.items()} | single
        return dict(sorted(keys.items(), key=lambda each: each[0].count(".")))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, including the keys of the spec that were set.

        Args:
            deep: without effect: no parameter is an estimator.
        """
        own: dict[str, Any] = super().get_params(deep=deep)
        return own | {parameter_name(key): value for key, value in self._keys.items()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, among them any key of the spec.

        Args:
            params: by name; a key such as `optimizer.learning_rate` also as
                `optimizer__learning_rate`.

        Raises:
            ValueError: there is no such parameter, nor such a section of a spec; nothing was set.
        """
        names = self._get_param_names()
        self._set_spec_keys({name: each for name, each in params.items() if name not in names})
        super().set_params(**{name: each for name, each in params.items() if name in names})
        return self
