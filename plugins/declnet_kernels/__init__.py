"""Compiled kernels of declnet's own components; the extra `jit` installs their compiler.

They use nothing but the public names of `declnet`, `declnet_jit` and `declnet_standard`.
"""

from declnet import Register, hookimpl

KERNELS = {
    "activations": {
        "elu_jit": "ELUKernel",
        "gelu_jit": "GELUKernel",
        "hard_sigmoid_jit": "HardSigmoidKernel",
        "leaky_relu_jit": "LeakyReLUKernel",
        "mish_jit": "MishKernel",
        "relu_jit": "ReLUKernel",
        "selu_jit": "SELUKernel",
        "sigmoid_jit": "SigmoidKernel",
        "silu_jit": "SiLUKernel",
        "softplus_jit": "SoftplusKernel",
        "tanh_jit": "TanhKernel",
    },
    "attention": {
        "cross_attention_jit": "CrossAttentionKernel",
        "multi_head_attention_jit": "MultiHeadAttentionKernel",
    },
    "conv2d": {
        "conv2d_jit": "Conv2dKernel",
        "conv2d_relu_jit": "Conv2dReLUKernel",
    },
    "crossentropies": {
        "sigmoid_binary_crossentropy_jit": "SigmoidBinaryCrossentropyKernel",
        "softmax_categorical_crossentropy_jit": "SoftmaxCategoricalCrossentropyKernel",
    },
    "dense": {
        "dense_jit": "DenseKernel",
        "dense_relu_jit": "DenseReLUKernel",
    },
    "embedding": {
        "embedding_jit": "EmbeddingKernel",
    },
    "noise": {
        "dropout_jit": "DropoutKernel",
        "gaussian_noise_jit": "GaussianNoiseKernel",
    },
    "normalization": {
        "batch_norm_jit": "BatchNormKernel",
        "group_norm_jit": "GroupNormKernel",
        "layer_norm_jit": "LayerNormKernel",
        "rms_norm_jit": "RMSNormKernel",
    },
    "optimizers": {
        "adadelta_jit": "AdadeltaKernel",
        "adagrad_jit": "AdagradKernel",
        "adam_jit": "AdamKernel",
        "adamw_jit": "AdamWKernel",
        "amsgrad_jit": "AMSGradKernel",
        "lion_jit": "LionKernel",
        "nadam_jit": "NAdamKernel",
        "rmsprop_jit": "RMSPropKernel",
        "sgd_jit": "SGDKernel",
    },
    "pooling": {
        "average_pool2d_jit": "AveragePool2dKernel",
        "global_average_pool2d_jit": "GlobalAveragePool2dKernel",
        "max_pool2d_jit": "MaxPool2dKernel",
    },
    "recurrent": {
        "gru_jit": "GRUKernel",
        "lstm_jit": "LSTMKernel",
        "simple_rnn_jit": "SimpleRNNKernel",
    },
    "regression": {
        "huber_jit": "HuberKernel",
        "mean_absolute_error_jit": "MeanAbsoluteErrorKernel",
        "mean_squared_error_jit": "MeanSquaredErrorKernel",
    },
    "regularizers": {
        "l1_jit": "L1Kernel",
        "l1_l2_jit": "L1L2Kernel",
        "l2_jit": "L2Kernel",
    },
}
"""By module, the class of each type."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the kernels; each is imported when a run may use kernels."""
    for module, kernels in KERNELS.items():
        for type_name, class_name in kernels.items():
            register.lazily("kernel", type_name, f"{__name__}.{module}:{class_name}")
