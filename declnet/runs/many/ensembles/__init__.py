"""The folds or seeds of one spec: trained, recorded, and used as one model."""
