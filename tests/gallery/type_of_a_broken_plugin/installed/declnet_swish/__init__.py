"""A plugin that is broken: the module of its class imports what is not installed."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces the layer."""
    register.lazily("layer", "swish", "declnet_swish.swish")
