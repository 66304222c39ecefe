"""The page of many runs: a table, curves, effects of what varies, parallel coordinates."""
