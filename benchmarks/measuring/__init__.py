"""How measurements are taken: processes that take turns, and what they ask and answer."""
