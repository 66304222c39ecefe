"""Compiled kernels of declnet's own components; the extra `jit` installs their compiler.

They use nothing but the public names of `declnet`, `declnet_plugins.jit` and
`declnet_plugins.standard`.
"""

from declnet import Register, hookimpl

KERNELS = {
    "activations": (
        "elu, gelu, hard_sigmoid, leaky_relu, mish, relu, selu, sigmoid, silu, softplus, tanh"
    ),
    "attention": "cross_attention, multi_head_attention",
    "conv2d": "conv2d, conv2d relu",
    "crossentropies": "sigmoid binary_crossentropy, softmax categorical_crossentropy",
    "dense": "dense, dense relu",
    "embedding": "embedding",
    "noise": "dropout, gaussian_noise",
    "normalization": "batch_norm, group_norm, layer_norm, rms_norm",
    "optimizers": "adadelta, adagrad, adam, adamw, amsgrad, lion, nadam, rmsprop, sgd",
    "pooling": "average_pool2d, global_average_pool2d, max_pool2d",
    "recurrent": "gru, lstm, simple_rnn",
    "regression": "huber, mean_absolute_error, mean_squared_error",
    "regularizers": "l1, l1_l2, l2",
}
"""By module, the types of the components that each of its kernels replaces together."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the kernels; each is imported for models with the components that it replaces."""
    for module, kernels in KERNELS.items():
        for replaced in kernels.split(", "):
            types = tuple(replaced.split())
            register.lazily("kernel", "_".join([*types, "jit"]), f"{__name__}.{module}", types)
