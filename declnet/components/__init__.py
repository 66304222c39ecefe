"""The contracts that plugins fulfil, one file a kind."""
