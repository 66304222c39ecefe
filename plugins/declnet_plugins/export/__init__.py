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
        "c99.layers.convolution:c_convolution": "conv1d conv2d conv2d_transpose",
        "c99.layers.embedding:c_embedding": "embedding",
        "c99.layers.embedding:c_embedding_bag": "embedding_bag",
        "c99.layers.attention:c_attention": "multi_head_attention cross_attention",
        "c99.layers.recurrent:c_recurrent": "simple_rnn lstm gru",
        "c99.transforms.categories:c_category": "one_hot signed_one_hot ordinal group_rare",
        "c99.transforms.categories:c_impute": "impute",
        "c99.transforms.dates:c_datetime": "datetime",
        "c99.transforms.tokens:c_tokenize": "tokenize",
        "c99.calibrators:c_conformal": "conformal",
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
