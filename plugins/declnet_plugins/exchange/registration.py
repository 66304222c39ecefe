"""The plugin of the exchange, apart from its package, which commands import without pluggy."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce what opens exported files."""
    register.lazily("prediction_source", "exported_file", f"{__package__}.file_source")
