"""Compiled kernels of declnet's own components; the extra `jit` installs their compiler.

They use nothing but the public names of `declnet`, `declnet_plugins.jit` and
`declnet_plugins.standard`.
"""

from declnet import Register, hookimpl

KERNELS = {
    "activations": {
        "elu": "ELUKernel",
        "gelu": "GELUKernel",
        "hard_sigmoid": "HardSigmoidKernel",
        "leaky_relu": "LeakyReLUKernel",
        "mish": "MishKernel",
        "relu": "ReLUKernel",
        "selu": "SELUKernel",
        "sigmoid": "SigmoidKernel",
        "silu": "SiLUKernel",
        "softplus": "SoftplusKernel",
        "tanh": "TanhKernel",
    },
    "attention": {
        "cross_attention": "CrossAttentionKernel",
        "multi_head_attention": "MultiHeadAttentionKernel",
    },
    "conv2d": {
        "conv2d": "Conv2dKernel",
        "conv2d relu": "Conv2dReLUKernel",
    },
    "crossentropies": {
        "sigmoid binary_crossentropy": "SigmoidBinaryCrossentropyKernel",
        "softmax categorical_crossentropy": "SoftmaxCategoricalCrossentropyKernel",
    },
    "dense": {
        "dense": "DenseKernel",
        "dense relu": "DenseReLUKernel",
    },
    "embedding": {
        "embedding": "EmbeddingKernel",
    },
    "noise": {
        "dropout": "DropoutKernel",
        "gaussian_noise": "GaussianNoiseKernel",
    },
    "normalization": {
        "batch_norm": "BatchNormKernel",
        "group_norm": "GroupNormKernel",
        "layer_norm": "LayerNormKernel",
        "rms_norm": "RMSNormKernel",
    },
    "optimizers": {
        "adadelta": "AdadeltaKernel",
        "adagrad": "AdagradKernel",
        "adam": "AdamKernel",
        "adamw": "AdamWKernel",
        "amsgrad": "AMSGradKernel",
        "lion": "LionKernel",
        "nadam": "NAdamKernel",
        "rmsprop": "RMSPropKernel",
        "sgd": "SGDKernel",
    },
    "pooling": {
        "average_pool2d": "AveragePool2dKernel",
        "global_average_pool2d": "GlobalAveragePool2dKernel",
        "max_pool2d": "MaxPool2dKernel",
    },
    "recurrent": {
        "gru": "GRUKernel",
        "lstm": "LSTMKernel",
        "simple_rnn": "SimpleRNNKernel",
    },
    "regression": {
        "huber": "HuberKernel",
        "mean_absolute_error": "MeanAbsoluteErrorKernel",
        "mean_squared_error": "MeanSquaredErrorKernel",
    },
    "regularizers": {
        "l1": "L1Kernel",
        "l1_l2": "L1L2Kernel",
        "l2": "L2Kernel",
    },
}
"""By module, the class for the types of the components that it replaces together."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the kernels; each is imported for models with the components that it replaces."""
    for module, kernels in KERNELS.items():
        for replaced in kernels:
            types = tuple(replaced.split())
            register.lazily("kernel", "_".join([*types, "jit"]), f"{__name__}.{module}", types)
