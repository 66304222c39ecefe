"""A plugin with report panels; its command is a separate entry point."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Register this package's panels."""
    register.lazily("report_panel", "ripeness", "declnet_juice.panels")
    register.lazily("report_panel", "rotten", "declnet_juice.panels")
    register.lazily("report_panel", "unripe", "declnet_juice.panels")
    register.lazily("report_panel", "missing", "declnet_juice.a_module_that_is_missing")
