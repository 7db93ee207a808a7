"""For the operator: accounts, their keys and their money.

GET, POST /accounts     DELETE /accounts/{account}     POST /accounts/{account}/credit
GET, POST /accounts/{account}/keys     POST …/keys/{key}/rotate     DELETE …/keys/{key}
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from gateway.keys import KeyRing, StoredKey
from gateway.operations import AccountDesk, AccountStatus
from gateway.web.account import BalanceView
from gateway.web.endpoints import Call, Operation, answer, for_operator
from gateway.web.errors import ApiError
from gateway.web.views import timestamp

Role = Literal["send", "read", "admin"]


class AccountIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An account to add."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    settings: dict[str, Any] = {}
    """What `[account.NAME]` would say in the config, without secrets."""


class KeyIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A key to make."""

    roles: Annotated[tuple[Role, ...], msgspec.Meta(min_length=1)] = ("send", "read")
    label: Annotated[str, msgspec.Meta(max_length=64)] = ""


class RotateIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How a key is replaced."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=2_592_000)] = 86_400
    """How long the old one stays good."""


class CreditIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is added to a balance."""

    amount: Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$")]
    """A decimal number; negative takes away."""
    reference: Annotated[str, msgspec.Meta(max_length=255)] = ""
    """A payment's: what is booked twice under one is booked once."""
    note: Annotated[str, msgspec.Meta(max_length=255)] = ""


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its text."""

    id: str
    account: str
    roles: tuple[str, ...]
    label: str
    created_at: str
    expires_at: str | None


class NewKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made: its text is shown this once."""

    id: str
    account: str
    roles: tuple[str, ...]
    label: str
    key: str


class KeyList(msgspec.Struct, frozen=True):
    """An account's keys in the store."""

    keys: list[KeyView]


class AccountList(msgspec.Struct, frozen=True):
    """Accounts, by name."""

    accounts: list[AccountStatus]


class AdminAccounts:
    """The endpoints."""

    def __init__(self, desk: AccountDesk, keys: KeyRing) -> None:
        self._desk = desk
        self._keys = keys

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        body_errors = (404, 408, 409, 413, 415, 422)
        yield for_operator("GET /accounts", "listAccounts", "Show the accounts", self.list, {200: AccountList})
        yield for_operator(
            "POST /accounts",
            "addAccount",
            "Add an account while the gateway runs",
            self.add,
            {201: AccountStatus},
            body=AccountIn,
            errors=body_errors,
        )
        yield for_operator(
            "DELETE /accounts/{account}",
            "removeAccount",
            "Remove an account that was added so, with its keys",
            self.remove,
            {204: None},
            errors=(404, 409),
        )
        yield for_operator(
            "POST /accounts/{account}/credit",
            "creditAccount",
            "Add to what an account may spend",
            self.credit,
            {200: BalanceView},
            body=CreditIn,
            errors=body_errors,
        )
        yield for_operator(
            "GET /accounts/{account}/keys",
            "listKeys",
            "Show an account's keys that the store keeps",
            self.keys,
            {200: KeyList},
            errors=(404,),
        )
        yield for_operator(
            "POST /accounts/{account}/keys",
            "addKey",
            "Make a key; its text is shown this once",
            self.add_key,
            {201: NewKeyView},
            body=KeyIn,
            errors=body_errors,
        )
        yield for_operator(
            "POST /accounts/{account}/keys/{key}/rotate",
            "rotateKey",
            "Make a key in the place of another, which ends after a while",
            self.rotate_key,
            {201: NewKeyView},
            body=RotateIn,
            errors=body_errors,
        )
        yield for_operator(
            "DELETE /accounts/{account}/keys/{key}",
            "revokeKey",
            "End a key at once",
            self.revoke_key,
            {204: None},
            errors=(404,),
        )

    async def list(self, _call: Call) -> web.Response:
        """Show accounts."""
        return answer(AccountList(self._desk.statuses()))

    async def add(self, call: Call) -> web.Response:
        """Add one."""
        wanted = await call.read(AccountIn)
        return answer(await self._desk.add(wanted.name, wanted.settings), 201)

    async def remove(self, call: Call) -> web.Response:
        """Remove one."""
        await self._desk.remove(call.at("account"))
        return web.Response(status=204)

    async def credit(self, call: Call) -> web.Response:
        """Add to a balance."""
        wanted = await call.read(CreditIn)
        amount = Decimal(wanted.amount)
        if not amount:
            raise ApiError(400, "invalid_value", "the amount is nought", "amount")
        left = await self._desk.credit(call.at("account"), amount, reference=wanted.reference, note=wanted.note)
        return answer(BalanceView(f"{left.amount:f}", left.currency, left.is_limited))

    async def keys(self, call: Call) -> web.Response:
        """Show keys."""
        self._desk.status(call.at("account"))
        return answer(KeyList([_view(key) for key in self._keys.keys(call.at("account"))]))

    async def add_key(self, call: Call) -> web.Response:
        """Make one."""
        wanted = await call.read(KeyIn)
        return answer(_new(*await self._keys.add(call.at("account"), wanted.roles, wanted.label)), 201)

    async def rotate_key(self, call: Call) -> web.Response:
        """Replace one."""
        wanted = await call.read(RotateIn)
        made = await self._keys.rotate(call.at("account"), call.at("key"), wanted.overlap_seconds)
        return answer(_new(*made), 201)

    async def revoke_key(self, call: Call) -> web.Response:
        """End one."""
        await self._keys.revoke(call.at("account"), call.at("key"))
        return web.Response(status=204)


def _view(key: StoredKey) -> KeyView:
    return KeyView(
        id=key.id,
        account=key.account,
        roles=key.roles,
        label=key.label,
        created_at=timestamp(key.created_at),
        expires_at=timestamp(key.expires_at) if key.expires_at else None,
    )


def _new(key: StoredKey, text: str) -> NewKeyView:
    return NewKeyView(id=key.id, account=key.account, roles=key.roles, label=key.label, key=text)
