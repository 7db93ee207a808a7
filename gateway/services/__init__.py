"""gateway/services."""
