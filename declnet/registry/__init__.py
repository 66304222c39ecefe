"""The installed component classes: the plugin hook, plugin discovery, and lookup."""
