"""Ray: carries out the runs of a sweep on a cluster, with the extra `ray`.

It uses only the public API of declnet, so that another package could have provided it.
"""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the executor."""
    register.lazily("executor", "ray", f"{__name__}.executor")
