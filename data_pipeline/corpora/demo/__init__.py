"""The demo corpus: made on the spot by a speech synthesiser."""
