"""The figures of a model's predictions, by the sort of task."""
