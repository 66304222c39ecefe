"""The contracts of file formats: models that leave declnet, and networks that come in."""
