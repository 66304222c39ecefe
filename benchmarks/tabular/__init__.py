"""Real tables, fixed splits of them, and the methods that are compared on them."""
