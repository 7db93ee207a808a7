"""The REST providers that the gateway speaks for and to."""

from gateway.providers.registry import CONNECTORS, PROVIDERS

__all__ = ["CONNECTORS", "PROVIDERS"]
