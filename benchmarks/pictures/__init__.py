"""Pictures of results, drawn with matplotlib from the JSON that commands write."""
