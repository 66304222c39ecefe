"""From a document to a validated `RunSpec`."""
