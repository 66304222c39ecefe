"""The contracts of a network and its training: layers, parameters, losses, optimizers, metrics."""
