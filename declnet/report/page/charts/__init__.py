"""Charts in Vega-Lite, each with its description and its numbers."""
