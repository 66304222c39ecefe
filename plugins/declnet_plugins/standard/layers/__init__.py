"""Layers."""

from declnet import Register, hookimpl

LAYERS = {
    "activations": (
        "elu hard_sigmoid leaky_relu linear mish relu selu sigmoid silu softmax softplus tanh"
    ),
    "attention": "cross_attention multi_head_attention",
    "conv1d": "conv1d",
    "conv2d": "conv2d",
    "conv2d_transpose": "conv2d_transpose",
    "dense": "dense",
    "dropout": "dropout gaussian_noise",
    "embedding": "embedding",
    "embedding_bag": "embedding_bag",
    "gating": "glu maxout",
    "gelu": "gelu",
    "gru": "gru",
    "joining": "add concatenate multiply",
    "lstm": "lstm",
    "normalization": "batch_norm",
    "over_time": "last_step max_over_time mean_over_time",
    "pooling": "average_pool2d global_average_pool2d global_max_pool2d max_pool2d",
    "positions": "positional_encoding",
    "prelu": "prelu",
    "reshaping": "flatten reshape",
    "sample_normalization": "group_norm layer_norm rms_norm",
    "simple_rnn": "simple_rnn",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the layers; each module is imported when a spec names one of its types."""
    for module, types in LAYERS.items():
        for type_ in types.split():
            register.lazily("layer", type_, f"{__name__}.{module}")
