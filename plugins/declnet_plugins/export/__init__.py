"""Formats for trained models, each with its exporter and the translations of components.

They use nothing but the public names of `declnet`, `declnet_plugins.standard` and
`declnet_plugins.tabular`.
"""

from declnet import Register, hookimpl

EXPORTERS = {"c": "c99.exporter", "numpy": "numpy_file.exporter"}
"""The module of each format's exporter."""

TRANSLATIONS = {
    "c": {
        "c99.layers.dense:CDense": "dense",
        "c99.layers.activations:CElementwise": (
            "relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish gelu"
        ),
        "c99.layers.activations:CPrelu": "prelu",
        "c99.layers.activations:CSoftmax": "softmax",
        "c99.layers.activations:CGlu": "glu",
        "c99.layers.activations:CMaxout": "maxout",
        "c99.layers.reshaping:CUnchanged": "linear dropout gaussian_noise",
        "c99.layers.reshaping:CElementByElement": "add multiply",
        "c99.layers.reshaping:CConcatenate": "concatenate",
        "c99.layers.normalization:CBatchNorm": "batch_norm",
        "c99.layers.normalization:CLayerNorm": "layer_norm",
        "c99.layers.normalization:CGroupNorm": "group_norm",
        "c99.layers.normalization:CRmsNorm": "rms_norm",
        "c99.layers.convolution:CConv2d": "conv2d",
        "c99.layers.convolution:CConv1d": "conv1d",
        "c99.layers.convolution:CConv2dTranspose": "conv2d_transpose",
        "c99.layers.pooling:CPool2d": "max_pool2d average_pool2d",
        "c99.layers.pooling:CGlobalPool2d": "global_max_pool2d global_average_pool2d",
        "c99.layers.embedding:CEmbedding": "embedding",
        "c99.layers.sequences:COverTime": "last_step mean_over_time max_over_time",
        "c99.layers.sequences:CPositionalEncoding": "positional_encoding",
        "c99.layers.attention:CAttention": "multi_head_attention cross_attention",
        "c99.layers.recurrent:CRecurrent": "simple_rnn lstm gru",
        "c99.layers.tabular:CNtpDense": "ntp_dense",
        "c99.layers.tabular:CFeatureScale": "feature_scale",
        "c99.layers.tabular:CParametricActivation": "parametric_activation",
        "c99.layers.tabular:CMembers": "members",
        "c99.layers.tabular:CMemberDense": "member_dense",
        "c99.layers.tabular:CPbld": "pbld",
        "c99.layers.tabular:CPiecewiseLinear": "piecewise_linear",
        "c99.transforms.numbers:CStandardize": "standardize",
        "c99.transforms.numbers:CMinMax": "min_max",
        "c99.transforms.numbers:CClamp": "clamp",
        "c99.transforms.numbers:CRobustScale": "robust_scale",
        "c99.transforms.numbers:CSignedLog": "signed_log",
        "c99.transforms.numbers:CLog": "log",
        "c99.transforms.numbers:CNormalize": "normalize",
        "c99.transforms.numbers:CImpute": "impute",
        "c99.transforms.numbers:CMissingIndicator": "missing_indicator",
        "c99.transforms.categories:COneHot": "one_hot",
        "c99.transforms.categories:CSignedOneHot": "signed_one_hot",
        "c99.transforms.categories:COrdinal": "ordinal",
        "c99.transforms.categories:CGroupRare": "group_rare",
        "c99.transforms.quantiles:CQuantile": "quantile",
        "c99.transforms.quantiles:CQuantileNormal": "quantile_normal",
        "c99.losses:COrdinalPredictions": "ordinal",
        "c99.losses:CMeanPredictions": "gaussian_nll poisson",
        "c99.losses:CMembersPredictions": "members_crossentropy members_squared_error",
        "c99.losses:CTemperature": "temperature",
        "c99.losses:CConformal": "conformal",
    },
    "numpy": {
        "numpy_file.activations:NumpyActivations": (
            "linear relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish gelu "
            "softmax prelu glu maxout dropout gaussian_noise"
        ),
        "numpy_file.networks:NumpyEmbedding": "embedding",
        "numpy_file.networks:NumpyLayers": (
            "dense batch_norm layer_norm group_norm rms_norm add multiply concatenate "
            "global_average_pool2d global_max_pool2d"
        ),
        "numpy_file.networks:NumpyWindows": "conv2d conv2d_transpose max_pool2d average_pool2d",
        "numpy_file.predictions:NumpyCalibrators": "temperature threshold conformal",
        "numpy_file.predictions:NumpyLosses": "poisson gaussian_nll ordinal",
        "numpy_file.predictions:NumpyTabularLosses": "members_crossentropy members_squared_error",
        "numpy_file.sequences:NumpySequences": (
            "last_step mean_over_time max_over_time positional_encoding conv1d simple_rnn lstm gru "
            "multi_head_attention cross_attention"
        ),
        "numpy_file.tabular:NumpyTabularLayers": (
            "feature_scale members member_dense ntp_dense parametric_activation pbld "
            "piecewise_linear"
        ),
        "numpy_file.transforms:NumpyTabularTransforms": (
            "robust_scale quantile_normal signed_one_hot clamp"
        ),
        "numpy_file.transforms:NumpyTransforms": (
            "standardize min_max log signed_log quantile impute missing_indicator normalize "
            "one_hot ordinal group_rare datetime tokenize"
        ),
    },
}
"""By format, the translations with the types of the components that each can write, in order."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce exporters and translations; each is imported for models that need it."""
    for name, module in EXPORTERS.items():
        register.lazily("exporter", name, f"{__name__}.{module}")
    for written, translations in TRANSLATIONS.items():
        for reference, types in translations.items():
            module, _, class_name = reference.partition(":")
            replaced = tuple(types.split())
            name, module = _type_of(class_name), f"{__name__}.{module}"
            register.lazily("translation", name, module, replaced, written)


def _type_of(class_name: str) -> str:
    """Return the type of a class: its name in lower case, with underscores between words."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in class_name).lstrip("_")
