"""ONNX: exports whole models, from raw columns to labels, and imports networks."""

from declnet import Register, hookimpl, lazy_names
from declnet_plugins.exchange import announce_translations

__getattr__ = lazy_names(__name__, {"GraphWriter": "writer", "OnnxTranslation": "translation"})

TRANSLATIONS = {
    "activations:OnnxActivations": (
        "linear relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish softmax gelu"
    ),
    "activations:OnnxGLU": "glu",
    "activations:OnnxMaxout": "maxout",
    "activations:OnnxPrelu": "prelu",
    "attention:OnnxAttention": "multi_head_attention cross_attention",
    "calibrators:OnnxConformal": "conformal",
    "calibrators:OnnxTemperature": "temperature",
    "categories:OnnxCategory": "one_hot ordinal signed_one_hot",
    "categories:OnnxGroupRare": "group_rare",
    "convolution:OnnxConv1d": "conv1d",
    "convolution:OnnxConv2d": "conv2d",
    "convolution:OnnxConv2dTranspose": "conv2d_transpose",
    "convolution:OnnxGlobalPool": "global_average_pool2d global_max_pool2d",
    "convolution:OnnxPool": "max_pool2d average_pool2d",
    "dates:OnnxDatetime": "datetime",
    "dense:OnnxDense": "dense ntp_dense",
    "dense:OnnxEmbedding": "embedding",
    "dense:OnnxMemberDense": "member_dense",
    "dense:OnnxPBLD": "pbld",
    "dense:OnnxParametricActivation": "parametric_activation",
    "dense:OnnxPiecewiseLinear": "piecewise_linear",
    "dense:OnnxScale": "feature_scale members",
    "joining:OnnxConcatenate": "concatenate",
    "joining:OnnxNoise": "dropout gaussian_noise",
    "joining:OnnxSum": "add multiply",
    "losses:OnnxGaussianNLL": "gaussian_nll",
    "losses:OnnxMembers": "members_crossentropy members_squared_error",
    "losses:OnnxOrdinal": "ordinal",
    "losses:OnnxPoisson": "poisson",
    "normalization:OnnxBatchNorm": "batch_norm",
    "normalization:OnnxGroupNorm": "group_norm",
    "normalization:OnnxLayerNorm": "layer_norm",
    "normalization:OnnxRmsnorm": "rms_norm",
    "numbers:OnnxClamp": "clamp",
    "numbers:OnnxImpute": "impute",
    "numbers:OnnxLinear": "standardize min_max",
    "numbers:OnnxLog": "log signed_log",
    "numbers:OnnxMissingIndicator": "missing_indicator",
    "numbers:OnnxNormalize": "normalize",
    "numbers:OnnxQuantile": "quantile quantile_normal",
    "numbers:OnnxRobustScale": "robust_scale",
    "recurrent:OnnxRecurrent": "lstm gru simple_rnn",
    "sequences:OnnxLastStep": "last_step",
    "sequences:OnnxMaxOverTime": "max_over_time",
    "sequences:OnnxMeanOverTime": "mean_over_time",
    "sequences:OnnxPositions": "positional_encoding",
    "text:OnnxTokenize": "tokenize",
}
"""The types that each translation writes, in order."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the exporter, its translations and the importer."""
    register.lazily("exporter", "onnx", f"{__name__}.exporter")
    register.lazily("importer", "onnx", f"{__name__}.importing.importer")
    announce_translations(register, __name__, "onnx", TRANSLATIONS)
