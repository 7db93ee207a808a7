"""One row for every call of a provider's document: who serves it here."""

from typing import Literal, NamedTuple

Served = Literal["own", "local", "pass"]
"""own: over any uplink; local: from what the gateway keeps; pass: by the provider, where an uplink leads there."""


class Endpoint(NamedTuple):
    """One call."""

    method: str
    path: str
    """Below the dialect's prefix; what varies stands in braces."""
    served: Served
    summary: str
    limit: str = ""
    """Where we do less than the provider."""
