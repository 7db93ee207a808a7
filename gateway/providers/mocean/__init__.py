"""gateway/providers/mocean."""
