"""A provider's words without what it may have read back to us."""

from collections.abc import Sequence
from typing import Final

from gateway.config import UplinkConfig
from gateway.models import Message
from gateway.settings import MASK

SECRET_OCTETS: Final = 6
"""What is shorter cannot be told from other text."""


def without_secrets(error: str, config: UplinkConfig, messages: Sequence[Message]) -> str:
    """For logs and timelines: neither credentials nor the text of a secret message."""
    hidden = [secret.reveal() for secret in (config.key, config.secret, config.token, config.password)]
    hidden += [message.text for message in messages if message.secret]
    for text in hidden:
        if text:
            error = error.replace(text, MASK)
    return error


def without_credentials(octets: bytes, config: UplinkConfig) -> bytes:
    """For apps: they have credentials of their own."""
    for secret in (config.key, config.secret, config.token, config.password, config.signing_secret):
        hidden = secret.reveal().encode()
        if len(hidden) >= SECRET_OCTETS:
            octets = octets.replace(hidden, MASK.encode())
    return octets
