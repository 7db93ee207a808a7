"""The REST providers that the gateway speaks for and to."""

from gateway.providers.registry import PROVIDERS

__all__ = ["PROVIDERS"]
