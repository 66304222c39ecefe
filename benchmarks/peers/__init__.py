"""The peers by name. Each has a module here with one function, `measure(task) -> Sample`.

The modules import heavy packages, so only the measuring process imports them.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """A peer: what it needs installed, what it cannot do alike, and how its row is read."""

    name: str
    module: str
    requires: tuple[str, ...]
    counted: bool = True  # may be the "best peer" that ratios refer to; declnet itself may not
    same_batches: bool = True  # False: its order of samples differs, and so does its loss
    mini_batches_only: bool = False  # nothing new to see on a full batch
    notes: dict[str, str] = field(default_factory=dict)  # by work name; "*" for every work


ADAM_NOTE = "its Adam adds epsilon to the root of the uncorrected second moment"
ALPHA_NOTE = "alpha = 2 * l2 * batch gives the same L2 gradient, but on all weights and no biases"

PEERS = (
    Peer("declnet", "peers.declnet_run", ("declnet",), counted=False),
    Peer(
        "declnet-shuffled",
        "peers.declnet_shuffled",
        ("declnet",),
        counted=False,
        same_batches=False,
        mini_batches_only=True,
        notes={"*": "shuffles every epoch, so its loss is near the others', not the same"},
    ),
    Peer("torch-default", "peers.torch_default", ("torch",)),
    Peer("torch", "peers.torch_eager", ("torch",)),
    Peer("torch-compile", "peers.torch_compile", ("torch",)),
    Peer("torch-compile-step", "peers.torch_compile_step", ("torch",)),
    Peer("jax-jit", "peers.jax_jit", ("jax",)),
    Peer("jax-scan", "peers.jax_scan", ("jax",)),
    Peer(
        "jax-scan-transposed",
        "peers.jax_scan_transposed",
        ("jax",),
        counted=False,
        notes={"*": "laid out by hand as no JAX library does; shown, not counted as a peer"},
    ),
    Peer(
        "scikit-learn",
        "peers.scikit_learn",
        ("sklearn",),
        notes={"*": ADAM_NOTE, "spiral_3000": ALPHA_NOTE, "spiral_300": ALPHA_NOTE},
    ),
)


def peer_named(name: str) -> Peer:
    """The peer of that name; KeyError if there is none."""
    return {peer.name: peer for peer in PEERS}[name]
