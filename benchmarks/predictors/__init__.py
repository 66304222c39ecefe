"""The peers that predict, by name. Each has a module here with `make(task) -> Predict`.

All take samples as NumPy arrays and return probabilities as NumPy arrays.
"""

from measuring.peer import Peer
from peers import PLAIN

PREDICTORS = (
    Peer("declnet", "predictors.declnet_model", ("declnet",), PLAIN, counted=False, quick=True),
    Peer("torch", "predictors.torch_eager", ("torch",), quick=True),
    Peer("torch-compile", "predictors.torch_eager", ("torch",), {"compiled": True}, compiled=True),
    Peer("jax-jit", "predictors.jax_jit", ("jax",), quick=True),
    Peer("keras", "predictors.keras_predict", ("keras", "jax")),
    Peer("scikit-learn", "predictors.scikit_learn", ("sklearn",), quick=True),
    Peer("onnxruntime", "predictors.onnx_session", ("onnx", "onnxruntime"), quick=True),
)


def predictor_named(name: str) -> Peer:
    """Return the peer with that name; raise KeyError if there is none."""
    return {peer.name: peer for peer in PREDICTORS}[name]
