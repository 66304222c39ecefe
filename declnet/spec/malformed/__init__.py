"""Texts that are no TOML or no JSON: what is wrong in plain words, and where.

The parsers say it in the words of those who wrote them, and each version in others. What they say
is looked at together with the text at that place.
"""
