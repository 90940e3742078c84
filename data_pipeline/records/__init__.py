"""A corpus -> a prepared folder, and what it holds."""
