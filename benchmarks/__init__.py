"""Benchmarks: `python -m benchmarks.<name> [--json]`. Every speed is a ratio taken in one run."""
