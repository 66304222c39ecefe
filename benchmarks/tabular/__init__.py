"""Real tables, and the models that are compared on them."""
