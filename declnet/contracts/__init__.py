"""The contracts: what plugins implement, and what is checked of it."""
