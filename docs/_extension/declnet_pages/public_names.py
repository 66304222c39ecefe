"""The packages whose public names are documented, and the contracts among them."""

from __future__ import annotations

from types import ModuleType

import declnet
import declnet_plugins.exchange
import declnet_plugins.new
import declnet_plugins.report

PACKAGES: tuple[ModuleType, ...] = (
    declnet,
    declnet_plugins.exchange,
    declnet_plugins.new,
    declnet_plugins.report,
)


def full_name(name: str) -> str | None:
    """Return a public name with its package; None if there is no such name."""
    packages = (package.__name__ for package in PACKAGES if name in package.__all__)
    return next((f"{package}.{name}" for package in packages), None)


def public_contracts() -> dict[str, type[declnet.Component]]:
    """Return the contracts by their full names."""
    public = {
        f"{package.__name__}.{name}": getattr(package, name)
        for package in PACKAGES
        for name in package.__all__
    }
    return {
        name: value
        for name, value in public.items()
        if isinstance(value, type)
        and issubclass(value, declnet.Component)
        and value is not declnet.Component
        and value.is_contract()
    }
