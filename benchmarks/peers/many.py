"""The peers that train a network many times, by name.

Each has a module here with `train(work, folder, count, **options)`, which returns the loss of each
run on the training data. The modules import heavy packages, so only the measuring process imports
them.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True)
class ManyPeer:
    """A peer.

    Attributes:
        name: the name in tables and on the command line.
        module: the module with `train`.
        requires: modules that must be installed.
        options: arguments for `train`.
        most: the most runs that it is measured with.
        counted: whether it may be the best peer; declnet itself may not.
        note: what its row means.
    """

    name: str
    module: str
    requires: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    most: int = 1000
    counted: bool = True
    note: str = ""

    def load(self) -> Callable[..., list[float]]:
        """Import the peer and return its `train`, with the options bound."""
        return partial(importlib.import_module(self.module).train, **self.options)

    def missing(self) -> list[str]:
        """Return the requirements that are not installed."""
        return [name for name in self.requires if find_spec(name) is None]


MANY_PEERS = (
    ManyPeer(
        "declnet",
        "peers.many_declnet",
        ("declnet",),
        counted=False,
        note="writes a folder for each run, with its weights, history and manifest",
    ),
    ManyPeer(
        "declnet-jit",
        "peers.many_declnet",
        ("declnet", "declnet_plugins.jit", "numba"),
        {"kernels": "jit"},
        counted=False,
        note="the same with kernels = 'jit', which short runs do not choose themselves",
    ),
    ManyPeer(
        "declnet-apart",
        "peers.many_declnet",
        ("declnet",),
        {"apart": True},
        most=64,
        counted=False,
        note="a process for each run, as by a shell's loop",
    ),
    ManyPeer("scikit-learn", "peers.many_scikit_learn", ("sklearn", "joblib")),
    ManyPeer("torch-vmap", "peers.many_torch_vmap", ("torch",)),
    ManyPeer("jax-vmap", "peers.many_jax_vmap", ("jax",)),
    ManyPeer(
        "ray-tune",
        "peers.many_ray_tune",
        ("ray", "sklearn"),
        most=64,
        note="a trial is a fit of scikit-learn's network",
    ),
)


def many_peer_named(name: str) -> ManyPeer:
    """Return the peer with that name; raise KeyError if there is none."""
    return {peer.name: peer for peer in MANY_PEERS}[name]
