"""Tables: the components of RealMLP and TabM."""

from declnet import Register, hookimpl

COMPONENTS = {
    "layer": {
        "layers.embeddings": "pbld piecewise_linear",
        "layers.members": "members member_dense",
        "layers.realmlp": "feature_scale ntp_dense parametric_activation",
    },
    "initializer": {
        "initializers": (
            "fan_in_uniform he_plus per_feature quantile_edges random_signs unit_outputs"
        )
    },
    "loss": {"losses": "members_crossentropy members_squared_error"},
    "preset": {
        "presets.best": "best",
        "presets.portfolio": "portfolio",
        "presets.realmlp": "realmlp_td realmlp_td_s",
        "presets.tabm": "tabm_mini",
    },
    "template": {"presets.templates": "best portfolio realmlp_td realmlp_td_s tabm_mini"},
    "transform": {"transforms": "clamp quantile_normal robust_scale signed_one_hot"},
}
"""By kind, the types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the components; each module is imported when a spec names one of its types."""
    for kind, modules in COMPONENTS.items():
        for module, types in modules.items():
            for type_ in types.split():
                register.lazily(kind, type_, f"{__name__}.{module}")
