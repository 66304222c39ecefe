"""Reading and validating specs: from a document to a `RunSpec`."""
