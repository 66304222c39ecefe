"""A broken plugin: the module of its class imports a package that is not installed."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the layer."""
    register.lazily("layer", "swish", "declnet_swish.swish")
