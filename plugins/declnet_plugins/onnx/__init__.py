"""ONNX: exports whole models, from raw columns to labels, and imports networks."""

from declnet import Register, hookimpl, lazy_names
from declnet_plugins.exchange import announce_translations

__getattr__ = lazy_names(__name__, {"GraphWriter": "writer", "OnnxTranslation": "translation"})

TRANSLATIONS = {
    "activations:onnx_activations": (
        "linear relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish softmax gelu"
    ),
    "activations:onnx_glu": "glu",
    "activations:onnx_maxout": "maxout",
    "activations:onnx_prelu": "prelu",
    "attention:onnx_attention": "multi_head_attention cross_attention",
    "calibrators:onnx_conformal": "conformal",
    "calibrators:onnx_temperature": "temperature",
    "categories:onnx_category": "one_hot ordinal signed_one_hot",
    "categories:onnx_group_rare": "group_rare",
    "convolution:onnx_conv1d": "conv1d",
    "convolution:onnx_conv2d": "conv2d",
    "convolution:onnx_conv2d_transpose": "conv2d_transpose",
    "convolution:onnx_global_pool": "global_average_pool2d global_max_pool2d",
    "convolution:onnx_pool": "max_pool2d average_pool2d",
    "dates:onnx_datetime": "datetime",
    "dense:onnx_dense": "dense ntp_dense",
    "dense:onnx_embedding": "embedding",
    "dense:onnx_member_dense": "member_dense",
    "dense:onnx_pbld": "pbld",
    "dense:onnx_parametric_activation": "parametric_activation",
    "dense:onnx_piecewise_linear": "piecewise_linear",
    "dense:onnx_scale": "feature_scale members",
    "joining:onnx_concatenate": "concatenate",
    "joining:onnx_noise": "dropout gaussian_noise",
    "joining:onnx_sum": "add multiply",
    "losses:onnx_gaussian_nll": "gaussian_nll",
    "losses:onnx_members": "members_crossentropy members_squared_error",
    "losses:onnx_ordinal": "ordinal",
    "losses:onnx_poisson": "poisson",
    "normalization:onnx_batch_norm": "batch_norm",
    "normalization:onnx_group_norm": "group_norm",
    "normalization:onnx_layer_norm": "layer_norm",
    "normalization:onnx_rmsnorm": "rms_norm",
    "numbers:onnx_clamp": "clamp",
    "numbers:onnx_impute": "impute",
    "numbers:onnx_linear": "standardize min_max",
    "numbers:onnx_log": "log signed_log",
    "numbers:onnx_missing_indicator": "missing_indicator",
    "numbers:onnx_normalize": "normalize",
    "numbers:onnx_quantile": "quantile quantile_normal",
    "numbers:onnx_robust_scale": "robust_scale",
    "recurrent:onnx_recurrent": "lstm gru simple_rnn",
    "sequences:onnx_last_step": "last_step",
    "sequences:onnx_max_over_time": "max_over_time",
    "sequences:onnx_mean_over_time": "mean_over_time",
    "sequences:onnx_positions": "positional_encoding",
    "text:onnx_tokenize": "tokenize",
}
"""By module and translation, the types of the components that it writes."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the exporter, its translations and the importer."""
    register.lazily("exporter", "onnx", f"{__name__}.exporter")
    register.lazily("importer", "onnx", f"{__name__}.importing.importer")
    announce_translations(register, __name__, "onnx", TRANSLATIONS)
