"""Data sources."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.data.csv import CSV as CSV
    from declnet_standard.data.idx import IDX as IDX
    from declnet_standard.data.nnfs_sine import NNFSSine as NNFSSine
    from declnet_standard.data.nnfs_spiral import NNFSSpiral as NNFSSpiral
    from declnet_standard.data.nnfs_vertical import NNFSVertical as NNFSVertical
    from declnet_standard.data.npy import NPY as NPY
    from declnet_standard.data.npz import NPZ as NPZ
    from declnet_standard.data.parquet import Parquet as Parquet
    from declnet_standard.data.sklearn import ScikitLearn as ScikitLearn

DATA_SOURCES = {
    "csv": "CSV",
    "idx": "IDX",
    "nnfs_sine": "NNFSSine",
    "nnfs_spiral": "NNFSSpiral",
    "nnfs_vertical": "NNFSVertical",
    "npy": "NPY",
    "npz": "NPZ",
    "parquet": "Parquet",
    "sklearn": "ScikitLearn",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in DATA_SOURCES.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in DATA_SOURCES.items():
        register.lazily("data_source", file, f"{__name__}.{file}:{name}")
