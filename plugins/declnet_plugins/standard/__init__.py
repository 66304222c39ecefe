"""The components that ship with declnet, one package per kind."""
