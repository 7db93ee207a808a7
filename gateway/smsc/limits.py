"""What customers may do, and how much of it is used up."""

from collections.abc import Mapping
from typing import Final

from gateway.config import Config
from gateway.shares import SharedBucket, ShareOf
from gateway.smsc.requests import Customer, Submit, parts_of
from smpp import Reject, ServerSession
from smpp.status import CommandStatus as Status

MIN_BURST_PARTS: Final = 10


class Limits:
    """What an account may do, and how much of it is used up."""

    def __init__(self, customer: Customer, share_of: ShareOf) -> None:
        settings = customer.settings
        self.customer = customer
        burst = settings.burst_parts or max(MIN_BURST_PARTS, round(settings.parts_per_second))
        share = share_of(f"parts of {customer.account}") if settings.parts_per_second else None
        self._bucket = SharedBucket(settings.parts_per_second, burst, share)

    def check(self, session: ServerSession, request: Submit, now: float) -> None:
        """Raise Reject where it is too fast or has too much under way."""
        if session.connection.session.answering > self.customer.settings.window:
            raise Reject(Status.ESME_RTHROTTLED, "more requests without an answer than its window allows")
        parts = parts_of(request)
        if self._bucket.try_take(now, min(parts, self._bucket.burst)):
            raise Reject(Status.ESME_RTHROTTLED, "faster than its pace allows")


def limits_of(config: Config, share_of: ShareOf) -> dict[str, Limits]:
    """By system_id."""
    return {
        account.smpp.system_id: Limits(Customer(name, account.smpp), share_of)
        for name, account in config.account.items()
        if account.smpp is not None
    }


def max_binds(limits: Mapping[str, Limits]) -> dict[str, int]:
    """By account."""
    return {one.customer.account: one.customer.settings.max_binds for one in limits.values()}
