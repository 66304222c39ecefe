"""The checks, one file a subject; `declnet.testing.catalogue` lists them by kind."""
