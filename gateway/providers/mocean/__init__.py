"""Mocean: its API as we serve it."""

from gateway.providers.mocean.dialect import Mocean, MoceanOptions

__all__ = ["Mocean", "MoceanOptions"]
