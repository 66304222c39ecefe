"""Which component classes are installed: the hook, the discovery of plugins, the lookup."""
