"""Data sources, one a file."""

from declnet import Register, hookimpl
from declnet_data.nnfs_sine import NNFSSine
from declnet_data.nnfs_spiral import NNFSSpiral
from declnet_data.nnfs_vertical import NNFSVertical
from declnet_data.npz import NPZ

__all__ = ["NPZ", "NNFSSine", "NNFSSpiral", "NNFSVertical"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(NNFSSine)
    register(NNFSSpiral)
    register(NNFSVertical)
    register(NPZ)
