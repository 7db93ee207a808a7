"""Money: what messages cost, what accounts have, what they may still send.

    [[price]], prices_file ──► Prices ──► price of a message, kept with it ──► charged by the store as it keeps it

Amounts are kept in millionths of the currency, as whole numbers.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from gateway.config import AccountConfig, Config, PriceConfig
from gateway.config.price_file import read_prices
from gateway.errors import InvalidMessage
from gateway.numbering import Network
from gateway.providers.ports import Balance, Price
from gateway.store import Store
from gateway.store.money import INSUFFICIENT_BALANCE, QUOTA_EXCEEDED, Allowance, Entry, EntryKind

MILLION: Final = 1_000_000

NO_PRICE: Final = "no_price"
TEXTS: Final = {
    INSUFFICIENT_BALANCE: "the account's balance does not cover the message",
    QUOTA_EXCEEDED: "the account has used up its quota",
}

NetworkOf = Callable[[str], Network | None]


def millionths(amount: Decimal | float | str) -> int:
    """An amount of the currency in millionths; what is written as 0.1 is a tenth.

    Raises:
        ValueError: it is no amount.
    """
    try:
        exact = Decimal(str(amount)) * MILLION
        return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
    except (ArithmeticError, ValueError):
        raise ValueError(f"{amount!r} is no amount") from None


def as_decimal(amount: int) -> Decimal:
    """Millionths as an amount of the currency."""
    return Decimal(amount) / MILLION


# --- prices ---


class Prices:
    """A price list.

    Args:
        rows: of equal rows for one account, the first counts.
        network_of: the network that a number belongs to.
    """

    def __init__(self, rows: Iterable[PriceConfig], network_of: NetworkOf = lambda _number: None) -> None:
        self.rows = tuple(rows)
        self._network_of = network_of
        self._found: dict[tuple[str, str, str], tuple[PriceConfig, int]] = {}
        for row in self.rows:
            self._found.setdefault((row.account, row.network, row.prefix), (row, millionths(row.amount)))
        self._lengths = sorted({len(row.prefix) for row in self.rows}, reverse=True)
        self._knows_networks = any(row.network for row in self.rows)
        self._accounts = frozenset(row.account for row in self.rows)

    def find(self, account: str, number: str) -> tuple[PriceConfig, int] | None:
        """The row that says what a part to a number costs, with its price in millionths."""
        network = self._network_of(number) if self._knows_networks else None
        networks = [] if network is None else [str(network), network.mcc] if network.mnc else [network.mcc]
        for owner in (account, ""):
            if owner not in self._accounts:
                continue
            if (found := self._of(owner, networks, number)) is not None:
                return found
        return None

    def _of(self, owner: str, networks: Sequence[str], number: str) -> tuple[PriceConfig, int] | None:
        """A network's own row, else the longest prefix, else the country's, else the one for all numbers."""
        whole = [name for name in networks if "-" in name]
        for network in whole:
            if (found := self._by_prefix(owner, network, number)) is not None:
                return found
        anywhere = self._found.get((owner, "", ""))
        found = self._by_prefix(owner, "", number)
        if found is not None and found is not anywhere:
            return found
        for network in networks[len(whole) :]:
            if (found := self._by_prefix(owner, network, number)) is not None:
                return found
        return anywhere

    def _by_prefix(self, owner: str, network: str, number: str) -> tuple[PriceConfig, int] | None:
        for length in self._lengths:
            if (found := self._found.get((owner, network, number[:length]))) is not None:
                return found
        return None

    def listed(self, account: str) -> Iterator[PriceConfig]:
        """The rows that count for an account: a row of its own hides the same one for all."""
        for row in self.rows:
            names = (account, row.network, row.prefix)
            if row.account == account or (not row.account and names not in self._found):
                yield row


# --- accounts ---


class Billing:
    """What accounts pay and have; a dialect's `Ledger`.

    Args:
        network_of: the network that a number belongs to.

    Raises:
        OSError, ValueError: the file of prices cannot be read.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        network_of: NetworkOf = lambda _number: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        rows = [*config.price, *(read_prices(config.billing.prices_file) if config.billing.prices_file else ())]
        self._prices = Prices(rows, network_of)
        self._currency = config.billing.currency
        self._accounts = config.account
        self._store = store
        self._clock = clock
        self.allowances: Mapping[str, Allowance] = {
            name: allowance for name, one in config.account.items() if (allowance := _allowance(one)) is not None
        }
        """Of accounts that are limited."""
        self._counted = self.allowances.keys() | {name for name, one in config.account.items() if _is_charged(one)}

    def replace(self, other: "Billing") -> None:
        """Charge as another does from now on."""
        self._prices, self._currency, self._accounts = other._prices, other._currency, other._accounts
        self.allowances, self._counted = other.allowances, other._counted

    def counts(self, account: str) -> bool:
        """Whether it matters how many parts a message of this account has."""
        return account in self._counted

    def price(self, account: str, number: str, parts: int) -> int:
        """What a message costs, in millionths.

        Raises:
            InvalidMessage: the account is charged, and nothing says how much.
        """
        config = self._accounts.get(account)
        if config is None or not _is_charged(config):
            return 0
        found = self._prices.find(account, number)
        if found is None:
            raise InvalidMessage(NO_PRICE, "no price is known for messages to this number", "recipient")
        return found[1] * parts

    # --- the ledger ---

    async def balance(self, account: str) -> Balance:
        """What is left; of a prepaid account, its credit included."""
        config = self._accounts.get(account)
        limited = config is not None and config.billing.mode == "prepaid"
        credit = millionths(config.billing.credit) if config is not None and limited else 0
        amount = as_decimal(await self._store.balance(account) + credit)
        return Balance(amount=amount, currency=self._currency, is_limited=limited)

    async def prices(self, account: str, *, mcc: str = "", mnc: str = "", country: str = "") -> Sequence[Price]:
        """The account's price list; of one network or country where that is given."""
        listed = [self._shown(row) for row in self._prices.listed(account)]
        return [
            one
            for one in listed
            if mcc in ("", one.mcc) and mnc in ("", one.mnc) and country.upper() in ("", one.country)
        ]

    def _shown(self, row: PriceConfig) -> Price:
        mcc, _, mnc = row.network.partition("-")
        return Price(
            prefix=row.prefix,
            amount=as_decimal(millionths(row.amount)),
            currency=self._currency,
            country=row.country,
            country_name=row.country_name,
            operator=row.operator,
            mcc=mcc,
            mnc=mnc,
        )

    async def charged(self, account: str, message_id: str) -> Decimal:
        """What a message has cost so far, refunds taken off; nought for one that is not known."""
        message = await self._store.message(account, message_id)
        return as_decimal(message.price - message.refunded) if message is not None else Decimal(0)

    # --- for services ---

    async def can_pay(self, account: str, number: str) -> bool:
        """Whether an account's balance covers a message of one part.

        Raises:
            InvalidMessage: nothing says how much it is.
        """
        price, allowance = self.price(account, number, 1), self.allowances.get(account)
        if not price or allowance is None or allowance.floor is None:
            return True
        return await self._store.balance(account) - price >= allowance.floor

    async def charge(self, account: str, number: str, reference: str, note: str) -> None:
        """Charge what a message of one part costs; once under one reference, however often it is asked."""
        try:
            price = self.price(account, number, 1)
        except InvalidMessage:
            return  # the price went meanwhile
        if price:
            kind = EntryKind.CHARGE
            entry = Entry(account=account, at=self._clock(), kind=kind, amount=-price, reference=reference, note=note)
            await self._store.book(entry)

    # --- for the operator ---

    async def top_up(self, account: str, amount: Decimal, *, reference: str = "", note: str = "") -> Entry:
        """Let an account's balance rise, or with a negative amount fall; returns after the commit.

        Args:
            reference: an invoice or a payment; what is booked twice under one is booked once.

        Raises:
            ValueError: there is no such account, or it is no amount.
        """
        if account not in self._accounts:
            raise ValueError(f"there is no account {account}")
        exact = millionths(amount)
        if not exact or abs(exact) >= 1 << 53:
            raise ValueError(f"{amount} is no amount to be booked")
        kind = EntryKind.TOP_UP if exact > 0 else EntryKind.CORRECTION
        entry = Entry(account=account, at=self._clock(), kind=kind, amount=exact, reference=reference, note=note)
        return await self._store.book(entry)

    async def history(self, account: str, *, limit: int = 50, before: int = 0) -> list[Entry]:
        """Top-ups one by one, charges and refunds by the hour; newest first."""
        return await self._store.entries(account, limit=limit, before=before)

    async def usage(self, account: str) -> dict[str, int]:
        """Parts counted against the account's quota, by day and month."""
        return await self._store.usage(account)


def _is_charged(account: AccountConfig) -> bool:
    return account.billing.mode != "none"


def _allowance(account: AccountConfig) -> Allowance | None:
    billing = account.billing
    if billing.mode != "prepaid" and not billing.parts_per_day and not billing.parts_per_month:
        return None
    return Allowance(
        floor=-millionths(billing.credit) if billing.mode == "prepaid" else None,
        parts_per_day=billing.parts_per_day,
        parts_per_month=billing.parts_per_month,
    )
