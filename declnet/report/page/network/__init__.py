"""The network as a drawing: places of its layers, then an SVG of them."""
