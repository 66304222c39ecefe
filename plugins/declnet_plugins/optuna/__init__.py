"""The searcher `optuna`; the extra `tune` installs what it needs."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the searcher."""
    register.lazily("searcher", "optuna", f"{__name__}.searcher")
