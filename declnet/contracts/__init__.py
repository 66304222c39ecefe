"""The contracts that plugins implement, and the checks on what they return."""
