"""Drivers of external programs: arrays in, arrays out, a private scratch folder in between."""
