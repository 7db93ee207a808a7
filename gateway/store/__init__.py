"""gateway/store."""
