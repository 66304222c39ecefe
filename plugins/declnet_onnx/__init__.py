"""ONNX: exports whole models, from raw columns to labels and probabilities."""
