"""ONNX files as specs and weights: graphs, nodes, and the layers that they are recognized as."""
