"""The caller's own account: who it is, what it has left, what messages cost.

GET /accounts/me, /balance, /prices
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.providers.base import Services
from gateway.providers.ports import NotOffered
from gateway.web.endpoints import Call, Operation, answer

ROLES = ("send", "read", "admin")


class BalanceView(msgspec.Struct, frozen=True):
    """What may still be spent."""

    amount: str
    """A decimal number."""
    currency: str
    is_limited: bool
    """Whether messages are refused once it is spent."""


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """What one part costs."""

    prefix: str
    amount: str
    currency: str
    country: str
    operator: str
    mcc: str
    mnc: str


class PricesView(msgspec.Struct, frozen=True):
    """A price list."""

    prices: list[PriceView]


class AccountView(msgspec.Struct, frozen=True):
    """Whose key it is, and what it is good for."""

    name: str
    roles: list[str]
    balance: BalanceView | None
    """Null where the account's messages are not charged."""


class PricesQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Filters of `GET /prices`."""

    mcc: Annotated[str, msgspec.Meta(pattern="^([0-9]{3})?$")] = ""
    mnc: Annotated[str, msgspec.Meta(pattern="^([0-9]{2,3})?$")] = ""
    country: Annotated[str, msgspec.Meta(pattern="^([A-Za-z]{2})?$")] = ""
    """ISO 3166-1 alpha-2."""


class Account:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="GET",
            path="/accounts/me",
            name="showAccount",
            summary="Show whose key this is and what it may do",
            serve=self.show,
            answers={200: AccountView},
        )
        yield Operation(
            method="GET",
            path="/balance",
            name="showBalance",
            summary="Show what the account may still spend",
            serve=self.balance,
            answers={200: BalanceView},
            errors=(501,),
        )
        yield Operation(
            method="GET",
            path="/prices",
            name="listPrices",
            summary="Show what a part costs, by network",
            serve=self.prices,
            query=PricesQuery,
            answers={200: PricesView},
            errors=(501,),
        )

    async def show(self, call: Call) -> web.Response:
        """Show the account."""
        try:
            balance = await self._balance(call.account)
        except NotOffered:
            balance = None
        return answer(AccountView(call.account, [role for role in ROLES if call.caller.may(role)], balance))

    async def balance(self, call: Call) -> web.Response:
        """Show what is left."""
        return answer(await self._balance(call.account))

    async def prices(self, call: Call) -> web.Response:
        """Show the price list."""
        query = call.query(PricesQuery)
        found = await self._services.ledger.prices(
            call.account, mcc=query.mcc, mnc=query.mnc, country=query.country.upper()
        )
        views = [
            PriceView(
                prefix=price.prefix,
                amount=f"{price.amount:f}",
                currency=price.currency,
                country=price.country,
                operator=price.operator,
                mcc=price.mcc,
                mnc=price.mnc,
            )
            for price in found
        ]
        return answer(PricesView(views))

    async def _balance(self, account: str) -> BalanceView:
        balance = await self._services.ledger.balance(account)
        return BalanceView(f"{balance.amount:f}", balance.currency, balance.is_limited)
