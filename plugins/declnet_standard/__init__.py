"""The components that declnet comes with, a package a kind."""
