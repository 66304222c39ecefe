"""What trained models are used for: predictions for files, evaluation on files."""
