"""The peers that train, by name. Each has a module here with `make(task, **options) -> Trainer`.

The modules import heavy packages, so only the measuring process imports them.
"""

from importlib.util import find_spec

from measuring.peer import Peer

EPSILON_NOTE = "its Adam adds epsilon to the root of the uncorrected second moment"
ALPHA_NOTE = "alpha = 2 * l2 * batch gives the same L2 gradient, but on all weights and no biases"
JIT = find_spec("declnet_plugins.jit") is not None
PLAIN = {"kernels": "numpy"} if JIT else {}  # older declnet has no [engine]

DENSE_ONLY = "MLPClassifier has dense layers only"
FEW_ACTIVATIONS = "MLPClassifier has no such activation"
CLASSES_ONLY = "MLPClassifier predicts classes only"
PLAIN_LOOP = "XLA leaves a convolution inside of scan to plain loops, ten times slower than jit"
SEQUENCES = ("lstm", "multi_head_attention")
NO_RECURRENCE = "torch.compile supports no nn.LSTM"
NOT_VALIDATED = {"validation": "the loop with validation is not written for it"}
PEERS = (
    Peer("declnet", "peers.declnet_runs", ("declnet",), PLAIN, counted=False, quick=True),
    Peer(
        "declnet-jit",
        "peers.declnet_runs",
        ("declnet", "declnet_plugins.jit", "numba"),
        {"kernels": "jit"},
        counted=False,
        quick=True,
    ),
    Peer(
        "declnet-shuffled",
        "peers.declnet_runs",
        ("declnet",),
        {**PLAIN, "shuffle": True},
        counted=False,
        same_batches=False,
        mini_batches_only=True,
        standard=False,
        notes={"*": "shuffles every epoch, so its loss is near the others', not the same"},
    ),
    Peer("torch", "peers.torch_eager", ("torch",), quick=True),
    Peer("torch-default", "peers.torch_eager", ("torch",), {"fused": False}, standard=False),
    Peer(
        "torch-compile",
        "peers.torch_eager",
        ("torch",),
        {"compiled": True},
        compiled=True,
        lacks={"lstm": NO_RECURRENCE},
    ),
    Peer("jax-jit", "peers.jax_jit", ("jax",), lacks=NOT_VALIDATED),
    Peer(
        "jax-scan",
        "peers.jax_scan",
        ("jax",),
        lacks={"conv2d": PLAIN_LOOP},
        quick=True,
    ),
    Peer("keras", "peers.keras_fit", ("keras", "jax"), quick=True, notes={"*": EPSILON_NOTE}),
    Peer(
        "scikit-learn",
        "peers.scikit_learn",
        ("sklearn",),
        lacks=NOT_VALIDATED
        | dict.fromkeys(("conv2d", "max_pool2d", "embedding", *SEQUENCES), DENSE_ONLY)
        | {"layer_norm": DENSE_ONLY, "mean_squared_error": CLASSES_ONLY}
        | dict.fromkeys(("silu", "softsign"), FEW_ACTIVATIONS),
        quick=True,
        notes={
            "*": EPSILON_NOTE,
            **dict.fromkeys(("spiral_3000", "spiral_300", "spiral_one_batch"), ALPHA_NOTE),
        },
    ),
)


def peer_named(name: str) -> Peer:
    """Return the peer with that name; raise KeyError if there is none."""
    return {peer.name: peer for peer in PEERS}[name]
