"""The document of a spec: files parsed and merged, changed by overrides, and written out."""
