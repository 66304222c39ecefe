"""Where in a TOML or JSON text each key and value stands."""
