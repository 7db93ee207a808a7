"""What a message must be to be accepted, whichever door it came through."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from gateway.config import AccountConfig, AccountRulesConfig, Config, PolicyConfig, SenderCountryConfig
from gateway.errors import InvalidMessage, RateLimited
from gateway.hours import Hours
from gateway.models import DELIVERY_SCHEME, Coding, NewMessage
from gateway.networks import Network, check_url, parse_networks
from gateway.numbering import NumberPlan, plain_number
from gateway.patterns import Patterns
from gateway.senders import SenderRules
from gateway.shares import Share, SharedBucket, ShareOf
from smpp.sms.coding import Alphabet, scheme_of

RECIPIENT: Final = re.compile(r"[0-9]{3,20}", re.ASCII)
SENDER_NUMBER: Final = re.compile(r"\+?[0-9]{3,20}", re.ASCII)
SENDER_NAME: Final = re.compile(r"[\x20-\x7e]{1,11}", re.ASCII)

TEXT_LIMIT: Final = 255 * 153
"""Characters: what 255 parts, the most that a concatenation header counts, can carry in the best case."""
DATA_LIMIT: Final = 255 * 134
UDH_LIMIT: Final = 140
PART_OCTETS: Final = 140
PART_SEPTETS: Final = 160
SMPP: Final = "smpp"
"""The dialect of those who bind to us."""
VALIDITY_LIMIT_SECONDS: Final = 7 * 86_400
SCHEDULE_LIMIT_SECONDS: Final = 365 * 86_400
TLV_LIMIT: Final = 64
TLV_OCTETS_LIMIT: Final = 4_096
REFERENCE_LIMIT: Final = 255


class _Rules:
    """The rules of one account, ready to be asked."""

    __slots__ = ("allowed", "blocked", "bucket", "config", "hours", "hours_services", "plan")

    def __init__(self, config: AccountRulesConfig, share: Callable[[], Share]) -> None:
        self.config = config
        self.plan = NumberPlan(config.country_prefix, config.trunk_prefix, config.national_digits)
        self.blocked = Patterns(config.blocked_recipients)
        self.allowed = Patterns(config.allowed_recipients)
        has_hours = bool(config.hours or config.days)
        self.hours = Hours(config.hours, config.days, config.time_zone) if has_hours else None
        self.hours_services = frozenset(config.hours_service)
        burst = config.burst_messages or max(1, round(config.messages_per_second))
        self.bucket = SharedBucket(config.messages_per_second, burst, share() if config.messages_per_second else None)

    def keeps_hours(self, message: NewMessage) -> bool:
        """Whether a message may leave in its account's hours only, where there are any."""
        if self.hours_services:
            return message.service in self.hours_services
        return message.priority <= self.config.hours_priority


class OptOutList(Protocol):
    """Knows who asked for no more messages; `gateway.optouts.OptOuts` is one."""

    def has(self, account: str, number: str) -> bool:
        """Whether an account must not send to a number; no look-up."""


class Policy:
    """The rules, with those of each account."""

    def __init__(
        self,
        accounts: Mapping[str, AccountConfig],
        exempt_networks: Sequence[Network] = (),
        *,
        everybody: PolicyConfig = PolicyConfig(),  # noqa: B008 -- frozen
        countries: Sequence[SenderCountryConfig] = (),
        opt_outs: OptOutList | None = None,
        share_of: ShareOf | None = None,
    ) -> None:
        """Put the rules together.

        Args:
            exempt_networks: where callbacks may go though they are not public.
            everybody: what nobody may send.
            countries: what countries ask of senders.
            opt_outs: who asked for no more messages.
            share_of: this node's share of an account's pace; None: all of it.
        """
        self._accounts = accounts
        self._exempt_networks = exempt_networks
        self._rules = {
            name: _Rules(account.rules, partial(share_of, f"messages of {name}") if share_of is not None else Share)
            for name, account in accounts.items()
        }
        self._senders = SenderRules(accounts, countries, everybody.blocked_senders)
        self._blocked = Patterns(everybody.blocked_recipients)
        self._own_urls = {name: account.callback_url for name, account in accounts.items()}
        self._opt_outs = opt_outs

    @classmethod
    def of(cls, config: Config, opt_outs: OptOutList | None = None, share_of: ShareOf | None = None) -> "Policy":
        """The rules of a config."""
        return cls(
            config.account,
            parse_networks(config.webhooks.allow_private_networks),
            everybody=config.policy,
            countries=config.sender_country,
            opt_outs=opt_outs,
            share_of=share_of,
        )

    def replace(self, other: "Policy") -> None:
        """Judge as another policy does from now on; how fast accounts have sent so far is not forgotten."""
        for name, rules in other._rules.items():
            old = self._rules.get(name)
            if old is not None and old.bucket.per_second and rules.bucket.per_second:
                old.bucket.change(rules.bucket.per_second, rules.bucket.burst)
                rules.bucket = old.bucket
        self._accounts, self._exempt_networks = other._accounts, other._exempt_networks
        self._rules, self._senders, self._blocked = other._rules, other._senders, other._blocked
        self._own_urls, self._opt_outs = other._own_urls, other._opt_outs

    def postponed_until(self, message: NewMessage, now: float) -> float | None:
        """When a message may leave that must not leave now, though it was accepted: its hours have ended meanwhile."""
        rules = self._rules.get(message.account)
        if rules is None or rules.hours is None or not rules.keeps_hours(message):
            return None
        return None if rules.hours.contains(now) else rules.hours.next_opening(now)

    def plain_recipient(self, account: str, written: str) -> str:
        """A recipient's number as an account's messages would be kept with it."""
        rules = self._rules.get(account)
        return plain_number(written, rules.plan) if rules is not None else plain_number(written)

    def duplicate_seconds(self, account: str) -> int:
        """For how long an account's messages must not be sent again; 0: they may."""
        rules = self._rules.get(account)
        return rules.config.duplicate_seconds if rules is not None else 0

    def admit(self, message: NewMessage, now: float) -> NewMessage:
        """`check`, and count the message among those of its account.

        Raises:
            InvalidMessage: it cannot be accepted; code and field say why. `RateLimited`: it comes too soon.
        """
        checked = self.check(message, now)
        bucket = self._rules[checked.account].bucket
        wait = bucket.try_take(now)
        if wait:
            raise RateLimited(f"the account may send {bucket.per_second:g} messages a second", wait)
        return checked

    def check(self, message: NewMessage, now: float) -> NewMessage:
        """The message as it will be kept: its recipient in plain digits, the account's defaults filled in.

        Raises:
            InvalidMessage: it cannot be accepted; code and field say why.
        """
        account = self._accounts.get(message.account)
        if account is None:
            raise InvalidMessage("unknown_account", "the account is not known", "account")
        rules = self._rules[message.account]
        changes: dict[str, Any] = {}
        recipient = plain_number(message.recipient, rules.plan)
        if recipient != message.recipient:
            changes["recipient"] = recipient
        written = message.sender or account.default_sender
        _check_addresses(recipient, written)
        sender = self._senders.check(message.account, written, recipient)
        if sender != message.sender:
            changes["sender"] = sender
        if not message.callback_url and account.callback_url and message.dialect != SMPP:
            changes["callback_url"] = account.callback_url
        self._check_recipient(message.account, rules, recipient)
        _check_content(message)
        _check_options(message, now)
        config = rules.config
        if not config.min_priority <= message.priority <= config.max_priority:
            changes["priority"] = min(max(message.priority, config.min_priority), config.max_priority)
        if rules.hours is not None:
            at = _within_hours(message, rules, now)
            if at != message.scheduled_at:
                changes["scheduled_at"] = at
        if changes:
            message = msgspec.structs.replace(message, **changes)
        if message.callback_url and not self._is_own_url(message):
            check_url(message.callback_url, self._exempt_networks)
        return message

    def _is_own_url(self, message: NewMessage) -> bool:
        """Whether the operator allowed the address, or it is no address but the account's own binds."""
        if message.dialect == SMPP:
            return message.callback_url == DELIVERY_SCHEME + message.account
        return message.callback_url == self._own_urls[message.account]

    def _check_recipient(self, account: str, rules: _Rules, recipient: str) -> None:
        if self._blocked and recipient in self._blocked:
            raise InvalidMessage("recipient_blocked", "nobody may send to this number", "recipient")
        if rules.blocked and recipient in rules.blocked:
            raise InvalidMessage("recipient_blocked", "the account may not send to this number", "recipient")
        if rules.allowed and recipient not in rules.allowed:
            raise InvalidMessage("recipient_not_allowed", "the account may send to some numbers only", "recipient")
        if self._opt_outs is not None and rules.config.opt_outs and self._opt_outs.has(account, recipient):
            raise InvalidMessage("recipient_opted_out", "the recipient wants no more messages", "recipient")


def _check_addresses(recipient: str, sender: str) -> None:
    if not RECIPIENT.fullmatch(recipient):
        raise InvalidMessage(
            "invalid_recipient", "the recipient must be a number of 3 to 20 digits with country code", "recipient"
        )
    if not sender:
        raise InvalidMessage("missing_sender", "the message names no sender and the account has none", "sender")
    if not SENDER_NUMBER.fullmatch(sender) and not SENDER_NAME.fullmatch(sender):
        raise InvalidMessage(
            "invalid_sender",
            "the sender must be a number of 3 to 20 digits or a name of 1 to 11 characters",
            "sender",
        )


def _within_hours(message: NewMessage, rules: _Rules, now: float) -> float | None:
    """When a message is to leave, given the hours in which its account's may.

    Raises:
        InvalidMessage: not then, and it may not wait.
    """
    hours, config = rules.hours, rules.config
    if hours is None or not rules.keeps_hours(message):
        return message.scheduled_at
    wanted = max(now, message.scheduled_at or now)
    opens = hours.next_opening(wanted)
    if opens == wanted:
        return message.scheduled_at
    if config.outside_hours == "refuse":
        raise InvalidMessage("outside_hours", f"the account's messages may leave {hours} only", "scheduled_at")
    return opens


def _check_content(message: NewMessage) -> None:
    if message.data is None:
        _check_text(message)
    else:
        _check_data(message)
    if message.udh:
        _check_udh(message)


def _check_text(message: NewMessage) -> None:
    if message.coding is Coding.BINARY:
        raise InvalidMessage("missing_data", "a binary message needs data, not text", "data")
    if not message.text:
        raise InvalidMessage("missing_text", "the message has no text", "text")
    if len(message.text) > TEXT_LIMIT:
        raise InvalidMessage("text_too_long", f"the text has more than {TEXT_LIMIT} characters", "text")
    if not message.text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in message.text):
        raise InvalidMessage("invalid_text", "the text has half a surrogate pair in it", "text")
    if "\0" in message.text:
        # No phone shows it, and not every store keeps it.
        raise InvalidMessage("invalid_text", "the text has the character U+0000 in it", "text")
    if message.coding is Coding.LATIN_1 and not _is_latin1(message.text):
        raise InvalidMessage("invalid_text", "the text has characters that Latin-1 lacks", "text")


def _is_latin1(text: str) -> bool:
    return text.isascii() or max(text) <= "\xff"


def _check_data(message: NewMessage) -> None:
    data = message.data or b""
    if message.text:
        raise InvalidMessage("text_and_data", "a message has either text or data", "data")
    if not data and not message.udh:
        raise InvalidMessage("missing_data", "the message has no data", "data")
    if len(data) > DATA_LIMIT:
        raise InvalidMessage("data_too_long", f"the data has more than {DATA_LIMIT} octets", "data")
    if message.udh and not _fits_one_part(message, data):
        raise InvalidMessage(
            "data_too_long",
            f"data with a header of its own must fit into {PART_OCTETS} octets together with it",
            "data",
        )


def _fits_one_part(message: NewMessage, data: bytes) -> bool:
    if len(message.udh) + len(data) <= PART_OCTETS:
        return True
    if message.data_coding is None or message.coding is Coding.BINARY:
        return False
    # One septet an octet: whether data_coding 0 means that here is for the uplink to say.
    is_gsm = scheme_of(message.data_coding).alphabet is Alphabet.GSM
    return is_gsm and -(-len(message.udh) * 8 // 7) + len(data) <= PART_SEPTETS


def _check_udh(message: NewMessage) -> None:
    """A user data header says its own length, and so does each element in it. 3GPP TS 23.040 §9.2.3.24."""
    udh = message.udh
    if len(udh) > UDH_LIMIT or udh[0] != len(udh) - 1:
        raise InvalidMessage("invalid_udh", "the header's first octet must be the number of those that follow", "udh")
    at = 1
    while at < len(udh):
        if at + 1 >= len(udh) or at + 2 + udh[at + 1] > len(udh):
            raise InvalidMessage("invalid_udh", "an element of the header is longer than the header", "udh")
        at += 2 + udh[at + 1]


def _check_options(message: NewMessage, now: float) -> None:
    if message.data_coding is not None and not 0 <= message.data_coding <= 255:
        raise InvalidMessage("invalid_data_coding", "data_coding is a number from 0 to 255", "data_coding")
    if message.message_class is not None and not 0 <= message.message_class <= 3:
        raise InvalidMessage("invalid_message_class", "the message class is a number from 0 to 3", "message_class")
    if message.validity_seconds is not None and not 1 <= message.validity_seconds <= VALIDITY_LIMIT_SECONDS:
        raise InvalidMessage(
            "invalid_validity", f"the validity is 1 to {VALIDITY_LIMIT_SECONDS} seconds", "validity_seconds"
        )
    if message.scheduled_at is not None and not message.scheduled_at <= now + SCHEDULE_LIMIT_SECONDS:
        raise InvalidMessage("invalid_schedule", "a message cannot be scheduled more than a year ahead", "scheduled_at")
    if not 0 <= message.priority <= 3:
        raise InvalidMessage("invalid_priority", "the priority is a number from 0 to 3", "priority")
    if len(message.client_reference) > REFERENCE_LIMIT:
        raise InvalidMessage(
            "client_reference_too_long", f"the reference has more than {REFERENCE_LIMIT} characters", "client_reference"
        )
    if not (_can_be_kept(message.client_reference) and _can_be_kept(message.group)):
        raise InvalidMessage(
            "invalid_client_reference", "a reference has U+0000 or half a surrogate pair in it", "client_reference"
        )
    _check_tlvs(message)


def _can_be_kept(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))


def _check_tlvs(message: NewMessage) -> None:
    if len(message.tlvs) > TLV_LIMIT:
        raise InvalidMessage("too_many_tlvs", f"a message has at most {TLV_LIMIT} TLVs", "tlvs")
    if sum(len(value) for _, value in message.tlvs) > TLV_OCTETS_LIMIT:
        raise InvalidMessage("tlvs_too_long", f"all TLVs together have at most {TLV_OCTETS_LIMIT} octets", "tlvs")
    for tag, _ in message.tlvs:
        if not 0 <= tag <= 0xFFFF:
            raise InvalidMessage("invalid_tlv", "a tag is a number from 0 to 65535", "tlvs")
