"""What a trained model is used for: predictions, and their evaluation on labeled data."""
