"""`declnet trace`: one training step with all its numbers, and its gradients verified."""
