"""Export to C99: the exporter, and the translations, a file for each family."""

from declnet import Register, hookimpl

TRANSLATIONS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "layers.dense": {"c_dense": ("DenseInC", ("dense",))},
    "layers.activations": {
        "c_elementwise": (
            "ElementwiseInC",
            (
                "relu", "leaky_relu", "elu", "selu", "softplus", "sigmoid", "hard_sigmoid",
                "tanh", "silu", "mish", "gelu",
            ),
        ),
        "c_prelu": ("PReLUInC", ("prelu",)),
        "c_softmax": ("SoftmaxInC", ("softmax",)),
        "c_glu": ("GLUInC", ("glu",)),
        "c_maxout": ("MaxoutInC", ("maxout",)),
    },
    "layers.reshaping": {
        "c_unchanged": ("UnchangedInC", ("linear", "dropout", "gaussian_noise")),
        "c_element_by_element": ("ElementByElementInC", ("add", "multiply")),
        "c_concatenate": ("ConcatenateInC", ("concatenate",)),
    },
    "layers.normalization": {
        "c_batch_norm": ("BatchNormInC", ("batch_norm",)),
        "c_layer_norm": ("LayerNormInC", ("layer_norm",)),
        "c_group_norm": ("GroupNormInC", ("group_norm",)),
        "c_rms_norm": ("RMSNormInC", ("rms_norm",)),
    },
    "layers.convolution": {
        "c_conv2d": ("Conv2dInC", ("conv2d",)),
        "c_conv1d": ("Conv1dInC", ("conv1d",)),
        "c_conv2d_transpose": ("Conv2dTransposeInC", ("conv2d_transpose",)),
    },
    "layers.pooling": {
        "c_pool2d": ("Pool2dInC", ("max_pool2d", "average_pool2d")),
        "c_global_pool2d": (
            "GlobalPool2dInC", ("global_max_pool2d", "global_average_pool2d")
        ),
    },
    "layers.embedding": {"c_embedding": ("EmbeddingInC", ("embedding",))},
    "layers.sequences": {
        "c_over_time": ("OverTimeInC", ("last_step", "mean_over_time", "max_over_time")),
        "c_positional_encoding": ("PositionalEncodingInC", ("positional_encoding",)),
    },
    "layers.tabular": {
        "c_ntp_dense": ("NTPDenseInC", ("ntp_dense",)),
        "c_feature_scale": ("FeatureScaleInC", ("feature_scale",)),
        "c_parametric_activation": ("ParametricActivationInC", ("parametric_activation",)),
        "c_members": ("MembersInC", ("members",)),
        "c_member_dense": ("MemberDenseInC", ("member_dense",)),
        "c_pbld": ("PBLDInC", ("pbld",)),
        "c_piecewise_linear": ("PiecewiseLinearInC", ("piecewise_linear",)),
    },
    "transforms": {
        "c_standardize": ("StandardizeInC", ("standardize",)),
        "c_min_max": ("MinMaxInC", ("min_max",)),
        "c_clamp": ("ClampInC", ("clamp",)),
        "c_robust_scale": ("RobustScaleInC", ("robust_scale",)),
        "c_signed_log": ("SignedLogInC", ("signed_log",)),
        "c_log": ("LogInC", ("log",)),
        "c_normalize": ("NormalizeInC", ("normalize",)),
        "c_impute": ("ImputeInC", ("impute",)),
        "c_missing_indicator": ("MissingIndicatorInC", ("missing_indicator",)),
        "c_one_hot": ("OneHotInC", ("one_hot",)),
        "c_signed_one_hot": ("SignedOneHotInC", ("signed_one_hot",)),
        "c_ordinal": ("OrdinalInC", ("ordinal",)),
        "c_group_rare": ("GroupRareInC", ("group_rare",)),
        "c_quantile": ("QuantileInC", ("quantile",)),
        "c_quantile_normal": ("QuantileNormalInC", ("quantile_normal",)),
    },
    "losses": {
        "c_ordinal_predictions": ("OrdinalInC", ("ordinal",)),
        "c_mean_predictions": ("MeanOfPredictionsInC", ("gaussian_nll", "poisson")),
        "c_members_predictions": (
            "MembersInC", ("members_crossentropy", "members_squared_error")
        ),
        "c_temperature": ("TemperatureInC", ("temperature",)),
        "c_conformal": ("ConformalInC", ("conformal",)),
    },
}  # fmt: skip
"""By file and type, the class of a translation and the types of the components that it writes."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the exporter and its translations; a file is imported for a model that needs it."""
    register.lazily("exporter", "c", f"{__name__}.exporter:C99")
    for file, own in TRANSLATIONS.items():
        for name, (found, replaced) in own.items():
            reference = f"{__name__}.{file}:{found}"
            register.lazily("translation", name, reference, replaced, format="c")
