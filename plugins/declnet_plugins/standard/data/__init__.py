"""Data sources."""

from declnet import Register, hookimpl

DATA_SOURCES = {
    "arrays": "idx npy npz",
    "csv": "csv tsv",
    "examples": "nnfs_sine nnfs_spiral nnfs_vertical sklearn",
    "excel": "excel",
    "image_folder": "image_folder",
    "json_lines": "jsonl",
    "parquet": "parquet",
    "sql": "sql",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the data sources; each module is imported when a spec names one of its types."""
    for module, types in DATA_SOURCES.items():
        for type_ in types.split():
            register.lazily("data_source", type_, f"{__name__}.{module}")
    register.lazily("report_panel", "example_pictures", f"{__name__}.image_panel")
