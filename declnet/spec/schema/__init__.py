"""The JSON Schema of spec files."""
