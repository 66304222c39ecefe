"""Keys of a spec as parameters of an estimator, such as `optimizer__learning_rate`."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from declnet import RunSpec


def dotted_key(name: str) -> str:
    """Return the key of a parameter: a name with dots unchanged, else with dots for `__`."""
    return name if "." in name else name.replace("__", ".")


def parameter_name(key: str) -> str:
    """Return the name of a dotted key as a parameter, from which `dotted_key` restores it."""
    name = key.replace(".", "__")
    return name if dotted_key(name) == key else key


def _plain(value: Any) -> Any:
    """Return a value without NumPy's scalars and arrays."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


TOGETHER = "spec_keys"
"""The parameter for a mapping of several keys."""


class SpecKeys(BaseEstimator):
    """An estimator whose parameters are its own and, in addition, any keys of its spec.

    Keys are dotted as for `--set`, or have `__` in place of each dot; `get_params` has those that
    were set. The parameter `spec_keys` is a mapping of several, which come before single ones.
    """

    def _set_spec_keys(self, params: Mapping[str, Any]) -> None:
        sections = [*RunSpec.model_fields, "variables"]
        keys = {dotted_key(name): value for name, value in params.items()}
        for name, key in zip(params, keys, strict=True):
            first = key.split(".")[0]
            if first not in sections and name != TOGETHER:
                names = [*sorted(self._get_param_names()), TOGETHER]
                close = get_close_matches(first, [*sections, *names], 1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}: {hint}"
                    f"Valid parameters are {names}, and the keys of a spec, which begin with one "
                    f"of {sections}."
                )
        if keys:  # an attribute that is there only if needed
            self._spec_keys = {**self._keys, **keys}

    @property
    def _keys(self) -> dict[str, Any]:
        """The keys of the spec that were set, dotted."""
        keys: dict[str, Any] = self.__dict__.get("_spec_keys", {})
        return keys

    def _overrides(self) -> dict[str, Any]:
        """Return the spec's keys that were set, whole tables before what is in them.

        NumPy's numbers, which searches draw, become Python's.

        Raises:
            TypeError: `spec_keys` is not a mapping.
        """
        together = self._keys.get(TOGETHER) or {}
        if not isinstance(together, Mapping):
            raise TypeError(f"{TOGETHER} must be a mapping of dotted keys, not {together!r}")
        single = {key: value for key, value in self._keys.items() if key != TOGETHER}
        keys = {dotted_key(name): value for name, value in together.items()} | single
        plain = {key: _plain(value) for key, value in keys.items()}
        return dict(sorted(plain.items(), key=lambda item: item[0].count(".")))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, including the keys of the spec that were set.

        Args:
            deep: without effect: no parameter is an estimator.
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        return params | {parameter_name(key): value for key, value in self._keys.items()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, among them any key of the spec.

        Args:
            params: by name; a key such as `optimizer.learning_rate` also as
                `optimizer__learning_rate`.

        Raises:
            ValueError: there is no such parameter, nor such a section of a spec; nothing was set.
        """
        names = self._get_param_names()
        self._set_spec_keys({name: value for name, value in params.items() if name not in names})
        super().set_params(**{name: value for name, value in params.items() if name in names})
        return self
