"""gateway/uplinks."""
