"""Which utterances train, validate and test, and what these parts share."""
