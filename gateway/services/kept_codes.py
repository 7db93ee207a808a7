"""Codes that a provider keeps itself: what is kept of one here is where to ask.

It stands where the fingerprint of a code of ours would, and so comes, goes and is forgotten with it.
"""

import json
from typing import Final, NamedTuple

_MARK: Final = "asked:"


class KeptCode(NamedTuple):
    """Where a code is compared."""

    uplink: str
    channel: str
    reference: str
    """The provider's id of it."""


def written(kept: KeptCode) -> str:
    """As it is kept."""
    return _MARK + json.dumps(kept)


def read(fingerprint: str) -> KeptCode | None:
    """Where a code is compared; None: here."""
    if not fingerprint.startswith(_MARK):
        return None
    return KeptCode(*json.loads(fingerprint.removeprefix(_MARK)))
