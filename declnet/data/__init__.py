"""From data sources to arrays that training takes in batches."""
