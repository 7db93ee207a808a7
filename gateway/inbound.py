"""Messages from handsets: joined of their parts, given to whom they belong, and answered where they ask for it.

uplink ──► joiner ──► whose is it? ──► STOP, START, HELP ──► one commit: message and what it owes ──► answered

The parts of a number whose messages all go to a customer's binds are passed on as they came. The SMSC is answered when
that is done. A word that means something is dealt with first: a number that asked for no more messages is on the list
before its SMSC hears that all is well.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from gateway.config import AccountConfig, Config, InboundRuleConfig
from gateway.errors import InvalidMessage, StoreError
from gateway.joining import Joined, Joiner
from gateway.keywords import Keywords, Meaning, folded, keyword_of
from gateway.metrics import Metrics
from gateway.models import Callback, Inbound, Message, NewMessage
from gateway.optouts import OptOuts
from gateway.patterns import Patterns, is_pattern
from gateway.reports import OVER_BINDS
from gateway.store import Bookkeeping, Record, Store

log = structlog.get_logger(__name__)

REPLY: Final = "auto_reply"
REPLY_SECONDS: Final = 86_400.0
"""One answer for each number and account in so long."""
SWEEP_LIMIT: Final = 500

Reply = Callable[[Sequence[NewMessage]], Awaitable[Sequence[Message | InvalidMessage]]]
"""Takes an answer in, as every other message; `gateway.intake.Intake.accept` is one."""


# --- whose it is ---


class Owner(msgspec.Struct, frozen=True):
    """Whose a message is, and where it goes."""

    account: str = ""
    """Empty: nobody's."""
    url: str = ""
    """Empty: where the account has its others; "smpp": over its binds."""
    dialect: str = "native"


class InboundRules:
    """Whose messages are: by number and keyword.

    Of the rules that fit, these decide in turn: naming the number in full; naming a keyword; a number by a pattern;
    coming first. Where none fits, the message belongs to the account that claims the number.
    """

    def __init__(self, rules: Sequence[InboundRuleConfig], accounts: Mapping[str, AccountConfig]) -> None:
        ordered = sorted(rules, key=_precedence)
        self._rules = [
            (Patterns([rule.number or "*"]), folded(rule.keyword), Owner(rule.account, rule.url, rule.dialect))
            for rule in ordered
        ]
        self._numbered = [(Patterns([rule.number]), rule.keyword, Owner(rule.account)) for rule in rules if rule.number]
        self._claimed = {number: Owner(name) for name, account in accounts.items() for number in account.numbers}
        self.own_numbers = frozenset(self._claimed) | {
            rule.number for rule in rules if rule.number and not is_pattern(rule.number)
        }
        """Numbers that are ours: whoever answers them talks to himself."""

    def sharing(self, number: str) -> frozenset[str]:
        """The accounts that have messages to a number, by whatever keyword; not those that take words of any number."""
        digits = plain_digits(number)
        found = {owner.account for numbers, _, owner in self._numbered if digits in numbers}
        claimed = self._claimed.get(digits)
        return frozenset(found | {claimed.account} if claimed is not None else found)

    def sole_owner(self, number: str) -> Owner | None:
        """Who gets all messages to a number, whatever they say; None: that depends on their first word."""
        digits = plain_digits(number)
        if any(wanted and digits in numbers for numbers, wanted, _ in self._rules):
            return None
        return self.find(number, "")

    def find(self, number: str, text: str) -> Owner:
        """The owner of a message to a number."""
        digits = plain_digits(number)
        if self._rules:
            keyword = keyword_of(text)
            for numbers, wanted, owner in self._rules:
                if digits in numbers and wanted in ("", keyword):
                    return owner
        return self._claimed.get(digits, Owner())


def _precedence(rule: InboundRuleConfig) -> tuple[bool, bool, bool]:
    is_exact = bool(rule.number) and not is_pattern(rule.number)
    return not is_exact, not rule.keyword, not rule.number


def plain_digits(number: str) -> str:
    """A number as accounts claim it: no plus, no international prefix."""
    return number.strip().removeprefix("+").removeprefix("00")


# --- what it asks for ---


class InboundEvents(Protocol):
    """Tells apps that have subscribed; `gateway.services.events.AppEvents` is one."""

    async def arrived(self, inbound: Inbound, *, is_told: bool) -> Callback | None:
        """What is owed for a message, to be kept with it; nothing where something is already (`is_told`)."""

    async def stopped(self, account: str, number: str) -> None:
        """A number wants no more messages."""

    async def started(self, account: str, number: str) -> None:
        """It wants them again."""


async def _nobody(messages: Sequence[NewMessage]) -> Sequence[Message | InvalidMessage]:
    return [InvalidMessage("no_route", "nothing can be sent yet") for _ in messages]


class InboundDesk:
    """Takes messages from handsets in.

    Args:
        reply: takes answers to them in; may be set later.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        bookkeeping: Bookkeeping,
        opt_outs: OptOuts,
        *,
        metrics: Metrics,
        on_callbacks: Callable[[], None],
        reply: Reply = _nobody,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._opt_outs = opt_outs
        self._metrics = metrics
        self._on_callbacks = on_callbacks
        self._clock = clock
        self.reply = reply
        self.events: InboundEvents | None = None
        """Apps that have subscribed; None: there are none."""
        self._joiner = Joiner(store, config.uplink, config.inbound.join_seconds, clock=clock)
        self.reconfigure(config, bookkeeping)

    def reconfigure(self, config: Config, bookkeeping: Bookkeeping) -> None:
        """Go by other settings from now on."""
        self._config, self._book = config, bookkeeping
        self._rules = InboundRules(config.inbound_rule, config.account)
        self._keywords = Keywords(config.keywords.stop, config.keywords.start, config.keywords.help)
        self._joiner.reconfigure(config.uplink, config.inbound.join_seconds)

    async def take(self, inbound: Inbound) -> None:
        """Keep a message or a part of one; returns after the commit.

        Raises:
            StoreError: it was not kept; the SMSC must send it again.
        """
        inbound = msgspec.structs.replace(inbound, received_at=inbound.received_at or self._clock())
        if self._is_passed_on(inbound):
            await self._deliver(Joined(inbound=inbound))
            return
        while True:
            taken = await self._joiner.take(inbound)
            if taken.joined is not None:
                await self._deliver(taken.joined)
            if not taken.is_again_wanted:
                return

    def _is_passed_on(self, inbound: Inbound) -> bool:
        """Whether parts go to a customer's binds as they came: who speaks SMPP joins them himself."""
        owner = self._rules.sole_owner(inbound.recipient)
        account = self._config.account.get(owner.account) if owner is not None else None
        if owner is None or account is None or account.smpp is None:
            return False
        return owner.url == OVER_BINDS or (not owner.url and account.smpp.inbound == "smpp")

    async def sweep(self) -> None:
        """Deliver what there is of messages whose time is over, and forget answers of more than a day ago."""
        while overdue := await self._joiner.overdue():
            for joined in overdue:
                await self._deliver(joined)
        old = await self._store.due_records(REPLY, self._clock(), limit=SWEEP_LIMIT)
        for account in {one.account for one in old}:
            await self._store.drop_records(REPLY, account, [one.key for one in old if one.account == account])

    async def _deliver(self, joined: Joined) -> None:
        inbound = joined.inbound
        owner = Owner(inbound.account) if inbound.account else self._rules.find(inbound.recipient, inbound.text)
        inbound = msgspec.structs.replace(inbound, account=owner.account)
        if owner.account:
            await self._heed(inbound)
        callback = self._book.inbound_callback(inbound, owner.url, owner.dialect) if owner.account else None
        if owner.account and self.events is not None and not inbound.udh:
            # Before the commit: who is told twice can tell, who is not told cannot.
            callback = await self.events.arrived(inbound, is_told=callback is not None) or callback
        await self._store.add_inbound(inbound, callback)
        await self._joiner.finish(joined)
        self._metrics.inbound.labels(inbound.uplink, "yes" if owner.account else "no").inc()
        if callback is not None:
            self._on_callbacks()

    # --- words that mean something ---

    async def _heed(self, inbound: Inbound) -> None:
        meaning = self._keywords.meaning(inbound.text)
        number = plain_digits(inbound.sender)
        if not meaning or not number.isdecimal():
            return
        # Who sends from one number cannot be told apart by who gets the messages.
        accounts = sorted({inbound.account, *self._rules.sharing(inbound.recipient)})
        if meaning == "start":
            for account in accounts:
                await self._opt_outs.remove(account, number)
                if self.events is not None:
                    await self.events.started(account, number)
        if meaning != "stop" or not self._opt_outs.has(inbound.account, number):
            # Before the number is on the list: afterwards nothing may be sent to it.
            await self._answer(inbound, number, meaning)
        if meaning == "stop":
            for account in accounts:
                await self._opt_outs.add(account, number, inbound.text.strip()[:40])
                if self.events is not None:
                    await self.events.stopped(account, number)

    async def _answer(self, inbound: Inbound, number: str, meaning: Meaning) -> None:
        """Answer once a day; never a machine, and never ourselves, so that two gateways cannot keep each other busy."""
        account = self._config.account.get(inbound.account)
        text = getattr(account.replies, meaning) if account is not None and meaning else ""
        if not text or len(number) < self._config.inbound.smallest_number or number in self._rules.own_numbers:
            return
        if not await self._may_answer(inbound.account, number):
            return
        answer = NewMessage(
            account=inbound.account,
            recipient=number,
            sender=inbound.recipient,
            text=text,
            wants_receipt=False,
            client_reference=f"answer to {inbound.id}",
            priority=1,
        )
        try:
            (outcome,) = await self.reply([answer])
        except (StoreError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("a message from a handset cannot be answered", inbound=inbound.id)
            return
        if isinstance(outcome, InvalidMessage):
            log.warning("a message from a handset is not answered", inbound=inbound.id, reason=outcome.message)

    async def _may_answer(self, account: str, number: str) -> bool:
        now = self._clock()
        last = await self._store.find_record(REPLY, account, number)
        if last is not None and last.due_at > now:
            return False
        claim = Record(
            kind=REPLY,
            account=account,
            key=number,
            due_at=now + REPLY_SECONDS,
            version=last.version if last is not None else 0,
            created_at=now,
            updated_at=now,
        )
        (is_ours,) = await self._store.put_records([claim])
        return is_ours
