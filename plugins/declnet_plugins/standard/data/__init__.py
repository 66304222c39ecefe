"""Data sources."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.data.arrays import IDX as IDX
    from declnet_plugins.standard.data.arrays import NPY as NPY
    from declnet_plugins.standard.data.arrays import NPZ as NPZ
    from declnet_plugins.standard.data.csv import CSV as CSV
    from declnet_plugins.standard.data.csv import TSV as TSV
    from declnet_plugins.standard.data.examples import NNFSSine as NNFSSine
    from declnet_plugins.standard.data.examples import NNFSSpiral as NNFSSpiral
    from declnet_plugins.standard.data.examples import NNFSVertical as NNFSVertical
    from declnet_plugins.standard.data.examples import ScikitLearn as ScikitLearn
    from declnet_plugins.standard.data.excel import Excel as Excel
    from declnet_plugins.standard.data.image_folder import ImageFolder as ImageFolder
    from declnet_plugins.standard.data.json_lines import JSONLines as JSONLines
    from declnet_plugins.standard.data.parquet import Parquet as Parquet
    from declnet_plugins.standard.data.sql import SQL as SQL

DATA_SOURCES = {
    "csv": ("csv", "CSV"),
    "excel": ("excel", "Excel"),
    "idx": ("arrays", "IDX"),
    "image_folder": ("image_folder", "ImageFolder"),
    "jsonl": ("json_lines", "JSONLines"),
    "nnfs_sine": ("examples", "NNFSSine"),
    "nnfs_spiral": ("examples", "NNFSSpiral"),
    "nnfs_vertical": ("examples", "NNFSVertical"),
    "npy": ("arrays", "NPY"),
    "npz": ("arrays", "NPZ"),
    "parquet": ("parquet", "Parquet"),
    "sklearn": ("examples", "ScikitLearn"),
    "sql": ("sql", "SQL"),
    "tsv": ("csv", "TSV"),
}

__getattr__ = lazy_names(__name__, {name: file for file, name in DATA_SOURCES.values()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for type_name, (file, _) in DATA_SOURCES.items():
        register.lazily("data_source", type_name, f"{__name__}.{file}")
