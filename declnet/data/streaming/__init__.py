"""Data larger than memory: read in blocks, split, surveyed and prepared block by block.

One pass surveys a stream and fits what can be fitted in parts. In all checks, a sample that
includes the extreme rows represents it; before the pass, the first rows do, in checks whose result
more rows cannot change (`training/checks/description`).
"""
