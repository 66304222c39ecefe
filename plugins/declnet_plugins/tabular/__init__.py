"""Tables: the components of RealMLP and TabM, each imported when a spec names it."""

from declnet import Register, hookimpl, lazy_names

COMPONENTS = {
    "layer": {
        "layers.feature_scale": {"feature_scale": "FeatureScale"},
        "layers.members": {"members": "Members", "member_dense": "MemberDense"},
        "layers.ntp_dense": {"ntp_dense": "NTPDense"},
        "layers.parametric_activation": {"parametric_activation": "ParametricActivation"},
        "layers.periodic": {"pbld": "PBLD"},
        "layers.piecewise_linear": {"piecewise_linear": "PiecewiseLinear"},
    },
    "initializer": {
        "initializers": {
            "fan_in_uniform": "FanInUniform",
            "he_plus": "HePlus",
            "per_feature": "PerFeature",
            "quantile_edges": "QuantileEdges",
            "random_signs": "RandomSigns",
            "unit_outputs": "UnitOutputs",
        }
    },
    "loss": {
        "losses": {
            "members_crossentropy": "MembersCrossentropy",
            "members_squared_error": "MembersSquaredError",
        }
    },
    "template": {
        "presets.realmlp": {"realmlp_td": "RealMLPTD", "realmlp_td_s": "RealMLPTDS"},
        "presets.tabm": {"tabm_mini": "TabMMini"},
    },
    "transform": {
        "transforms.categories": {"signed_one_hot": "SignedOneHot"},
        "transforms.numbers": {
            "quantile_normal": "QuantileNormal",
            "robust_scale": "RobustScale",
        },
        "transforms.targets": {"clamp": "Clamp"},
    },
}
"""By kind and module, the class of each type."""

KERNELS = {
    "member_dense": "MemberDenseKernel",
    "members": "MembersKernel",
    "ntp_dense": "NTPDenseKernel",
    "parametric_activation": "ParametricActivationKernel",
    "pbld": "PBLDKernel",
}
"""The class for each type that is replaced; imported for models that have it."""

__getattr__ = lazy_names(
    __name__,
    {
        name: module
        for modules in COMPONENTS.values()
        for module, types in modules.items()
        for name in types.values()
    }
    | dict.fromkeys(KERNELS.values(), "kernels"),
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the components."""
    for kind, modules in COMPONENTS.items():
        for module, types in modules.items():
            for type_ in types:
                register.lazily(kind, type_, f"{__name__}.{module}")
    for replaced in KERNELS:
        register.lazily("kernel", f"{replaced}_jit", f"{__name__}.kernels", (replaced,))
