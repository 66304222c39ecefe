"""Pictures, PNG or SVG, drawn with matplotlib, which the extra `plot` installs."""
