"""How good a trained model is on some data: figures, by class too."""
