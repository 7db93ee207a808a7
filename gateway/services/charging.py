"""Verifications that are paid for when they succeed, and not for their messages."""

from typing import Protocol

from gateway.errors import InvalidMessage
from gateway.providers.verifying import VerifyError, VerifyProblem


class Charges(Protocol):
    """Charges for what succeeded, as `gateway.billing.Billing` does."""

    async def can_pay(self, account: str, number: str) -> bool:
        """Whether the account could.

        Raises:
            InvalidMessage: nothing says how much it is.
        """

    async def charge(self, account: str, number: str, reference: str, note: str) -> None:
        """Charge once under one reference."""


class NoCharges:
    """Everything is free."""

    async def can_pay(self, account: str, number: str) -> bool:
        """Always."""
        return True

    async def charge(self, account: str, number: str, reference: str, note: str) -> None:
        """Nothing."""


async def check_funds(billing: Charges, account: str, number: str) -> None:
    """Refuse who could not pay.

    Raises:
        VerifyError: NO_FUNDS; NO_ROUTE where there is no price.
        StoreError: the balance cannot be read.
    """
    try:
        can_pay = await billing.can_pay(account, number)
    except InvalidMessage as error:
        raise VerifyError(VerifyProblem.NO_ROUTE, error.message) from None
    if not can_pay:
        raise VerifyError(VerifyProblem.NO_FUNDS, "the account's balance does not cover a verification")
