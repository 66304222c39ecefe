"""ONNX: exports whole models, from raw columns to labels, and imports networks."""

from declnet import Register, hookimpl


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the importer."""
    register.lazily("importer", "onnx", f"{__name__}.importing.importer:OnnxImporter")
