"""The plugin of the server, apart from its package, which the command imports without pluggy."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce what opens servers."""
    register.lazily("prediction_source", "server", f"{__package__}.client")
