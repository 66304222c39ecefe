"""Data loading, splitting, preparation and batching."""
