"""Lanck: its API as we speak it."""
