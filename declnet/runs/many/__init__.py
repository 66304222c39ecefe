"""Many runs: sweeps, folds and seeds; their tasks and workers, folders and summaries."""
