"""How the emotion of a long recording goes."""
