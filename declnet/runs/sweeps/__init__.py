"""Many runs: their tasks and workers, the folder of a sweep, and the summary of their results."""
