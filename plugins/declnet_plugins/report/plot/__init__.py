"""PNG and SVG pictures drawn with matplotlib, which the extra `plot` installs."""
