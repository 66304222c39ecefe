"""Specs that `declnet new` writes for a table: choices by what is in it, and their text."""
