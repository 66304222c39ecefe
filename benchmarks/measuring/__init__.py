"""Measuring in interleaved processes: their tasks and their results."""
