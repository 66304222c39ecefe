"""Carrying out many runs: in threads, worker processes, on executors, or a shard of them."""
