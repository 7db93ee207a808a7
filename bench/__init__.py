"""Benchmarks: one file a question. Ratios of one run, never absolute times of different days."""
