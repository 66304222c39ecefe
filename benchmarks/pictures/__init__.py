"""Pictures of results, drawn with matplotlib from the JSON that the commands write."""
