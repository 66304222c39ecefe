"""Spec templates for `declnet new`, and the presets that they name."""

from declnet import Register, hookimpl

COMPONENTS = {
    "template": {
        "examples": "binary classification linear mlp own_data regression table",
        "images": "images",
        "shipped": "demand digits_convolution fine_tuning messages quantile_regression "
        "residual_blocks shapes_convolution sine_regression spiral_adam spiral_binary "
        "spiral_dropout spiral_minibatch spiral_optimizers spiral_regularization "
        "strokes_attention strokes_lstm tune_digits two_heads two_inputs vertical_sgd "
        "wine_residual",
    },
    "preset": {"dense": "linear mlp"},
}
"""By kind, the types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the components; each module is imported when one of its types is used."""
    for kind, modules in COMPONENTS.items():
        for module, types in modules.items():
            for type_ in types.split():
                register.lazily(kind, type_, f"{__name__}.{module}")
