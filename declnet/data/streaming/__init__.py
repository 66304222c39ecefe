"""Data larger than memory: read in blocks, split, surveyed and prepared block by block."""
