"""Functions that know how to be fast."""
