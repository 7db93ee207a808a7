"""Which rule decides on a message or a bind: patterns, counters, chances; pure but for its counters."""

import re
from collections import defaultdict
from fnmatch import translate
from random import Random
from typing import Final

import msgspec

from smpp.constants import BindMode, EsmClass, MessageState
from smpp.simulator.book import Submit
from smpp.simulator.record import Limit
from smpp.simulator.script import (
    NO_DELAY,
    Answer,
    BindRule,
    Delay,
    ReceiptPlan,
    Rule,
    Script,
    parse_state,
    parse_status,
)
from smpp.sms import decode_text, split_udh
from smpp.status import CommandStatus
from smpp.wire import tlv
from smpp.wire.pdu import SubmitMulti, SubmitSm


class Arrival(msgspec.Struct, gc=False):
    """A message that asks what shall become of it; one for each destination."""

    server: int
    bind: str
    system_id: str
    message: Submit
    destination: str
    at: float
    """On the loop's clock."""
    default_alphabet: str = "gsm"

    @property
    def source(self) -> str:
        """Its source address."""
        return self.message.source_addr

    @property
    def text(self) -> str:
        """Its text, decoded; of a part of a long message, the part's."""
        octets = text_octets(self.message)
        header, body = split_udh(octets) if self.message.esm_class & EsmClass.UDHI else (None, octets)
        return decode_text(body, self.message.data_coding, self.default_alphabet, udh=header)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a message. Fields as in `Rule`."""

    command_status: int = 0
    delay: Delay = NO_DELAY
    answer: Answer = "normal"
    disconnect: str = ""
    freeze: float = 0.0
    receipt: ReceiptPlan = "normal"
    receipt_state: MessageState | None = None
    receipt_word: str = ""
    receipt_delay: Delay | None = None
    receipt_form: str = ""
    error: str = "000"

    @property
    def is_plain(self) -> bool:
        """Whether it is answered at once and as it should be."""
        return self.answer == "normal" and not (self.delay or self.disconnect or self.freeze)


NORMAL: Final = Outcome()


class Director:
    """Finds the rule for a message or a bind; keeps what rules count.

    Args:
        script: the rules.
        random: for chances.
    """

    def __init__(self, script: Script, random: Random) -> None:
        self._random = random
        self._rules = [_MessageRule(rule) for rule in script.rules]
        self._binds = [_BindMatch(rule) for rule in script.binds]

    @property
    def has_rules(self) -> bool:
        """Whether messages need to be looked at."""
        return bool(self._rules)

    def outcome(self, arrival: Arrival) -> Outcome:
        """What the first rule that matches says."""
        for rule in self._rules:
            if rule.fits(arrival) and rule.chances.take(self._random) and rule.exceeds(arrival):
                rule.chances.used += 1
                return rule.outcome
        return NORMAL

    def bind_rule(self, server: int, system_id: str, mode: BindMode) -> BindRule | None:
        """The first rule that matches a bind."""
        for match in self._binds:
            if match.fits(server, system_id, mode) and match.chances.take(self._random):
                match.chances.used += 1
                return match.rule
        return None


class _Chances:
    """The conditions of a rule that do not look at the message: every, first, probability."""

    def __init__(self, rule: Rule | BindRule) -> None:
        self._every = rule.every
        self._first = rule.first
        self._probability = rule.probability
        self._seen = 0
        self.used = 0

    def take(self, random: Random) -> bool:
        self._seen += 1
        if self._every and self._seen % self._every:
            return False
        if self._first and self.used >= self._first:
            return False
        return self._probability >= 1 or random.random() < self._probability


class _MessageRule:
    def __init__(self, rule: Rule) -> None:
        self._destination = pattern(rule.destination)
        self._source = pattern(rule.source)
        self._text = pattern(rule.text)
        self._system_id = pattern(rule.system_id)
        self._server = rule.server
        self._over = rule.over_per_second
        self._scope = rule.scope
        self._limits: defaultdict[object, Limit] = defaultdict(lambda: Limit(self._over))
        self.chances = _Chances(rule)
        status = parse_status(rule.status)
        if rule.over_per_second and not status and rule.answer == "normal" and not rule.disconnect:
            status = int(CommandStatus.ESME_RTHROTTLED)
        self.outcome = Outcome(
            command_status=status,
            delay=rule.delay,
            answer=rule.answer,
            disconnect=rule.disconnect,
            freeze=rule.freeze,
            receipt=rule.receipt,
            receipt_state=parse_state(rule.receipt_state) if rule.receipt_state else None,
            receipt_word=rule.receipt_word,
            receipt_delay=rule.receipt_delay,
            receipt_form=rule.receipt_form,
            error=rule.error,
        )

    def fits(self, arrival: Arrival) -> bool:
        return (
            (self._server is None or self._server == arrival.server)
            and (self._destination is None or self._destination.match(arrival.destination) is not None)
            and (self._source is None or self._source.match(arrival.source) is not None)
            and (self._system_id is None or self._system_id.match(arrival.system_id) is not None)
            and (self._text is None or self._text.match(arrival.text) is not None)
        )

    def exceeds(self, arrival: Arrival) -> bool:
        if not self._over:
            return True
        scope: object = None
        if self._scope == "bind":
            scope = arrival.server, arrival.bind
        elif self._scope == "server":
            scope = arrival.server
        return self._limits[scope].exceeds(arrival.at)


class _BindMatch:
    def __init__(self, rule: BindRule) -> None:
        self.rule = rule
        self._system_id = pattern(rule.system_id)
        self.chances = _Chances(rule)

    def fits(self, server: int, system_id: str, mode: BindMode) -> bool:
        return (
            (self.rule.server is None or self.rule.server == server)
            and (not self.rule.mode or self.rule.mode == mode.value)
            and (self._system_id is None or self._system_id.match(system_id) is not None)
        )


def pattern(glob: str) -> re.Pattern[str] | None:
    """A pattern with ``*`` and ``?``; None where everything fits."""
    if glob == "*":
        return None
    return re.compile(translate(glob.replace("[", "[[]")))


def text_octets(message: Submit) -> bytes:
    """short_message, or message_payload where that is empty."""
    octets = message.short_message if isinstance(message, SubmitSm | SubmitMulti) else b""
    return octets or message.tlvs.raw(tlv.message_payload.tag) or b""
