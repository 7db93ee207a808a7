"""The command line's tools: one module for each command, and what they share."""
