"""ONNX: exports whole models, from raw columns to labels, and imports networks."""

from declnet import Register, hookimpl, lazy_names

__getattr__ = lazy_names(__name__, {"GraphWriter": "writer", "OnnxTranslation": "translation"})

TRANSLATIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "activations": {
        "Activations": (
            "linear",
            "relu",
            "leaky_relu",
            "elu",
            "selu",
            "softplus",
            "sigmoid",
            "hard_sigmoid",
            "tanh",
            "silu",
            "mish",
            "softmax",
            "gelu",
        ),
        "GLUTranslation": ("glu",),
        "MaxoutTranslation": ("maxout",),
        "PreluTranslation": ("prelu",),
    },
    "attention": {"AttentionTranslation": ("multi_head_attention", "cross_attention")},
    "calibrators": {
        "ConformalTranslation": ("conformal",),
        "TemperatureTranslation": ("temperature",),
    },
    "categories": {
        "CategoryTranslation": ("one_hot", "ordinal", "signed_one_hot"),
        "GroupRareTranslation": ("group_rare",),
    },
    "convolution": {
        "Conv1dTranslation": ("conv1d",),
        "Conv2dTranslation": ("conv2d",),
        "Conv2dTransposeTranslation": ("conv2d_transpose",),
        "GlobalPoolTranslation": ("global_average_pool2d", "global_max_pool2d"),
        "PoolTranslation": ("max_pool2d", "average_pool2d"),
    },
    "dates": {"DatetimeTranslation": ("datetime",)},
    "dense": {
        "DenseTranslation": ("dense", "ntp_dense"),
        "EmbeddingTranslation": ("embedding",),
        "MemberDenseTranslation": ("member_dense",),
        "PBLDTranslation": ("pbld",),
        "ParametricActivationTranslation": ("parametric_activation",),
        "PiecewiseLinearTranslation": ("piecewise_linear",),
        "ScaleTranslation": ("feature_scale", "members"),
    },
    "joining": {
        "ConcatenateTranslation": ("concatenate",),
        "NoiseTranslation": ("dropout", "gaussian_noise"),
        "SumTranslation": ("add", "multiply"),
    },
    "losses": {
        "GaussianNLLTranslation": ("gaussian_nll",),
        "MembersTranslation": ("members_crossentropy", "members_squared_error"),
        "OrdinalTranslation": ("ordinal",),
        "PoissonTranslation": ("poisson",),
    },
    "normalization": {
        "BatchNormTranslation": ("batch_norm",),
        "GroupNormTranslation": ("group_norm",),
        "LayerNormTranslation": ("layer_norm",),
        "RMSNormTranslation": ("rms_norm",),
    },
    "numbers": {
        "ClampTranslation": ("clamp",),
        "ImputeTranslation": ("impute",),
        "LinearTranslation": ("standardize", "min_max"),
        "LogTranslation": ("log", "signed_log"),
        "MissingIndicatorTranslation": ("missing_indicator",),
        "NormalizeTranslation": ("normalize",),
        "QuantileTranslation": ("quantile", "quantile_normal"),
        "RobustScaleTranslation": ("robust_scale",),
    },
    "recurrent": {"RecurrentTranslation": ("lstm", "gru", "simple_rnn")},
    "sequences": {
        "LastStepTranslation": ("last_step",),
        "MaxOverTimeTranslation": ("max_over_time",),
        "MeanOverTimeTranslation": ("mean_over_time",),
        "PositionsTranslation": ("positional_encoding",),
    },
    "text": {"TokenizeTranslation": ("tokenize",)},
}
"""By module, the types that each translation writes."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the exporter, its translations and the importer."""
    register.lazily("exporter", "onnx", f"{__name__}.exporter")
    register.lazily("importer", "onnx", f"{__name__}.importing.importer")
    for module, translations in TRANSLATIONS.items():
        for name, types in translations.items():
            module_name = f"{__name__}.{module}"
            register.lazily("translation", _type_of(name), module_name, types, "onnx")


def _type_of(name: str) -> str:
    """Return the type of a translation's class: `onnx_dense` of `DenseTranslation`."""
    words, last = "", "_"
    for each in name.removesuffix("Translation"):
        words += f"_{each.lower()}" if each.isupper() and last.islower() else each.lower()
        last = each
    return f"onnx_{words.strip('_')}"
