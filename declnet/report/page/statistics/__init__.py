"""The numbers behind the charts: arrays in, arrays out."""
