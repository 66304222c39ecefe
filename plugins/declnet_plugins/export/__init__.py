"""Formats for trained models, each with its exporter and the translations of components.

They use nothing but the public names of `declnet`, `declnet_plugins.standard` and
`declnet_plugins.tabular`.
"""

from declnet import Register, hookimpl
from declnet_plugins.exchange import announce_translations

EXPORTERS = {"c": "c99.exporter", "numpy": "numpy_file.exporter"}
"""The module of each format's exporter."""

TRANSLATIONS = {
    "c": {
        "c99.layers.dense:c_dense": "dense",
        "c99.layers.activations:c_elementwise": (
            "relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish gelu"
        ),
        "c99.layers.activations:c_prelu": "prelu",
        "c99.layers.activations:c_softmax": "softmax",
        "c99.layers.activations:c_glu": "glu",
        "c99.layers.activations:c_maxout": "maxout",
        "c99.layers.reshaping:c_unchanged": "linear dropout gaussian_noise",
        "c99.layers.reshaping:c_element_by_element": "add multiply",
        "c99.layers.reshaping:c_concatenate": "concatenate",
        "c99.layers.normalization:c_batch_norm": "batch_norm",
        "c99.layers.normalization:c_layer_norm": "layer_norm",
        "c99.layers.normalization:c_group_norm": "group_norm",
        "c99.layers.normalization:c_rms_norm": "rms_norm",
        "c99.layers.convolution:c_conv2d": "conv2d",
        "c99.layers.convolution:c_conv1d": "conv1d",
        "c99.layers.convolution:c_conv2d_transpose": "conv2d_transpose",
        "c99.layers.pooling:c_pool2d": "max_pool2d average_pool2d",
        "c99.layers.pooling:c_global_pool2d": "global_max_pool2d global_average_pool2d",
        "c99.layers.embedding:c_embedding": "embedding",
        "c99.layers.sequences:c_over_time": "last_step mean_over_time max_over_time",
        "c99.layers.sequences:c_positional_encoding": "positional_encoding",
        "c99.layers.attention:c_attention": "multi_head_attention cross_attention",
        "c99.layers.recurrent:c_recurrent": "simple_rnn lstm gru",
        "c99.layers.tabular:c_ntp_dense": "ntp_dense",
        "c99.layers.tabular:c_feature_scale": "feature_scale",
        "c99.layers.tabular:c_parametric_activation": "parametric_activation",
        "c99.layers.tabular:c_members": "members",
        "c99.layers.tabular:c_member_dense": "member_dense",
        "c99.layers.tabular:c_pbld": "pbld",
        "c99.layers.tabular:c_piecewise_linear": "piecewise_linear",
        "c99.transforms.numbers:c_standardize": "standardize",
        "c99.transforms.numbers:c_min_max": "min_max",
        "c99.transforms.numbers:c_clamp": "clamp",
        "c99.transforms.numbers:c_robust_scale": "robust_scale",
        "c99.transforms.numbers:c_signed_log": "signed_log",
        "c99.transforms.numbers:c_log": "log",
        "c99.transforms.numbers:c_normalize": "normalize",
        "c99.transforms.numbers:c_impute": "impute",
        "c99.transforms.numbers:c_missing_indicator": "missing_indicator",
        "c99.transforms.categories:c_one_hot": "one_hot",
        "c99.transforms.categories:c_signed_one_hot": "signed_one_hot",
        "c99.transforms.categories:c_ordinal": "ordinal",
        "c99.transforms.categories:c_group_rare": "group_rare",
        "c99.transforms.quantiles:c_quantile": "quantile",
        "c99.transforms.quantiles:c_quantile_normal": "quantile_normal",
        "c99.losses:c_ordinal_predictions": "ordinal",
        "c99.losses:c_mean_predictions": "gaussian_nll poisson",
        "c99.losses:c_members_predictions": "members_crossentropy members_squared_error",
        "c99.losses:c_temperature": "temperature",
        "c99.losses:c_conformal": "conformal",
    },
    "numpy": {
        "numpy_file.activations:numpy_activations": (
            "linear relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish gelu "
            "softmax prelu glu maxout dropout gaussian_noise"
        ),
        "numpy_file.networks:numpy_embedding": "embedding",
        "numpy_file.networks:numpy_layers": (
            "dense batch_norm layer_norm group_norm rms_norm add multiply concatenate "
            "global_average_pool2d global_max_pool2d"
        ),
        "numpy_file.networks:numpy_windows": "conv2d conv2d_transpose max_pool2d average_pool2d",
        "numpy_file.predictions:numpy_calibrators": "temperature threshold conformal",
        "numpy_file.predictions:numpy_losses": "poisson gaussian_nll ordinal",
        "numpy_file.predictions:numpy_tabular_losses": "members_crossentropy members_squared_error",
        "numpy_file.sequences:numpy_sequences": (
            "last_step mean_over_time max_over_time positional_encoding conv1d simple_rnn lstm "
            "gru multi_head_attention cross_attention"
        ),
        "numpy_file.tabular:numpy_tabular_layers": (
            "feature_scale members member_dense ntp_dense parametric_activation pbld "
            "piecewise_linear"
        ),
        "numpy_file.transforms:numpy_tabular_transforms": (
            "robust_scale quantile_normal signed_one_hot clamp"
        ),
        "numpy_file.transforms:numpy_transforms": (
            "standardize min_max log signed_log quantile impute missing_indicator normalize "
            "one_hot ordinal group_rare datetime tokenize"
        ),
    },
}
"""By format, module and translation, the types of the components that it writes, in order."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce exporters and translations; each is imported for models that need it."""
    for name, module in EXPORTERS.items():
        register.lazily("exporter", name, f"{__name__}.{module}")
    for file_format, translations in TRANSLATIONS.items():
        announce_translations(register, __name__, file_format, translations)
