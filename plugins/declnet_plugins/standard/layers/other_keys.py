"""Keys that users know from other libraries, by family of layers: see `Component.other_keys`."""

UNITS = dict.fromkeys(
    (
        *("n_hidden", "hidden", "hidden_dim", "hidden_size", "hidden_units", "num_units"),
        *("neurons", "nodes", "out_features", "output_dim", "size", "width"),
    ),
    "units",
)

WEIGHTS = {
    **dict.fromkeys(("kernel_initializer", "initializer", "init"), "weight_initializer"),
    **dict.fromkeys(("kernel_regularizer", "regularizer"), "weight_regularizer"),
}

AFFINE = {"bias": "use_bias", **WEIGHTS}
"""Of layers with weights and biases."""

EMBEDDING = {
    **UNITS,
    **dict.fromkeys(("embedding_dim", "dim"), "units"),
    **dict.fromkeys(("input_dim", "num_embeddings", "vocab_size"), "categories"),
}
"""Of vectors for integers."""

FILTERS = {
    **dict.fromkeys(("out_channels", "channels", "num_filters"), "filters"),
    **dict.fromkeys(("kernel", "filter_size", "size"), "kernel_size"),
    "strides": "stride",
    **AFFINE,
}
"""Of convolutions."""
