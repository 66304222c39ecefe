"""ONNX: exports whole models, from raw columns to labels, and imports networks."""

from declnet import Register, hookimpl, lazy_names
from declnet_plugins.exchange import announce_translations

__getattr__ = lazy_names(__name__, {"GraphWriter": "writer", "OnnxTranslation": "translation"})

TRANSLATIONS = {
    "activations:onnx_activations": (
        "relu leaky_relu elu selu softplus sigmoid hard_sigmoid tanh silu mish softmax gelu"
    ),
    "activations:onnx_prelu": "prelu",
    "attention:onnx_attention": "multi_head_attention cross_attention",
    "calibrators:onnx_conformal": "conformal",
    "categories:onnx_category": "one_hot ordinal signed_one_hot",
    "categories:onnx_group_rare": "group_rare",
    "categories:onnx_impute": "impute",
    "convolution:onnx_convolution": "conv1d conv2d conv2d_transpose",
    "convolution:onnx_global_pool": "global_average_pool2d global_max_pool2d",
    "convolution:onnx_pool": "max_pool2d average_pool2d",
    "dates:onnx_datetime": "datetime",
    "dense:onnx_dense": "dense ntp_dense",
    "dense:onnx_embedding": "embedding",
    "dense:onnx_embedding_bag": "embedding_bag",
    "normalization:onnx_batch_norm": "batch_norm",
    "normalization:onnx_group_norm": "group_norm",
    "normalization:onnx_layer_norm": "layer_norm",
    "recurrent:onnx_recurrent": "lstm gru simple_rnn",
    "text:onnx_tokenize": "tokenize",
}
"""By module and translation, the types of the components that it writes."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the exporter, its translations and the importer."""
    register.lazily("exporter", "onnx", f"{__name__}.exporter")
    register.lazily("importer", "onnx", f"{__name__}.importing.importer")
    announce_translations(register, __name__, "onnx", TRANSLATIONS)
