"""Time series: layers that scale each window separately, their metric and their preset."""

from declnet import Register, hookimpl

COMPONENTS = {
    "layer": {"layers": "restore_window standardize_window"},
    "metric": {"metrics": "mase"},
    "template": {"preset": "nlinear"},
}
"""By kind, the types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the components; each module is imported when a spec names one of its types."""
    for kind, modules in COMPONENTS.items():
        for module, types in modules.items():
            for type_ in types.split():
                register.lazily(kind, type_, f"{__name__}.{module}")
