"""Training more than once: a plan, its journal, the group's folder, executors, and the loop."""
