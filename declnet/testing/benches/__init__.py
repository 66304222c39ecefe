"""Arrays and data for components of each kind, laid out as the graph lays them out."""
