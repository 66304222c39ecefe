"""The page of one or more runs: a self-contained HTML file with all charts."""
