"""The use of a trained model: predictions, and their evaluation on labeled data."""
