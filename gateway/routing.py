"""The words of the router: rules with their conditions, decisions, costs, and the explanation of a decision."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec

from gateway.config import CostConfig, RouteConfig
from gateway.hours import Hours
from gateway.models import Coding, NewMessage, Outcome, SubmitResult
from gateway.numbering import Network, PrefixTable
from gateway.patterns import Patterns, is_pattern
from smpp.sms import gsm0338
from smpp.sms.coding import Alphabet, scheme_of
from smpp.status import parse_status

# --- what is decided ---

_WORD_OF: Final = {
    Outcome.RETRY: "retry",
    Outcome.THROTTLED: "throttled",
    Outcome.REJECTED: "rejected",
    Outcome.IN_DOUBT: "in_doubt",
}


class Failover(msgspec.Struct, frozen=True):
    """What sends a message on to the next uplink."""

    words: frozenset[str] = frozenset({"retry"})
    statuses: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Failover":
        """The setting `failover_on`.

        Raises:
            ValueError: one of them is neither a word nor a status.
        """
        words = frozenset(texts)
        known = words.intersection(_WORD_OF.values())
        return cls(known, frozenset(parse_status(text) for text in words - known))

    def follows(self, result: SubmitResult) -> bool:
        """Whether this end of an attempt is a reason."""
        return _WORD_OF.get(result.outcome) in self.words or (
            bool(result.command_status) and result.command_status in self.statuses
        )


class Decision(msgspec.Struct, frozen=True):
    """Where a message may go."""

    uplinks: tuple[str, ...]
    """In the order in which they are to be tried, those that stand by last."""
    failover: Failover = Failover()
    rule: str = ""


# --- conditions ---


class Subject:
    """A message that is asked about; what takes work to know is found out when it is asked for."""

    __slots__ = ("_clock", "_coding", "_now", "message", "network")

    def __init__(
        self, message: NewMessage, clock: Callable[[], float] | None = None, network: Network | None = None
    ) -> None:
        self.message = message
        self.network = network
        self._clock = clock
        self._coding = ""
        self._now = 0.0

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        if not self._now and self._clock is not None:
            self._now = self._clock()
        return self._now

    @property
    def coding(self) -> str:
        """'gsm', 'latin1', 'ucs2' or 'binary': what is asked for, or what the text needs."""
        if not self._coding:
            self._coding = coding_of(self.message)
        return self._coding


_CODINGS: Final = {Alphabet.GSM: "gsm", Alphabet.GSM_PACKED: "gsm", Alphabet.UCS2: "ucs2", Alphabet.LATIN_1: "latin1"}


def coding_of(message: NewMessage) -> str:
    """The coding a message asks for, or the one that its text needs."""
    if message.data_coding is not None:
        return _CODINGS.get(scheme_of(message.data_coding).alphabet, "binary")
    if message.data is not None:
        return "binary"
    if message.coding is not Coding.AUTO:
        return message.coding.value
    return "gsm" if gsm0338.can_encode(message.text) else "ucs2"


class Condition(Protocol):
    """One condition of a rule."""

    def holds(self, subject: Subject) -> bool:
        """Whether it does."""

    def obstacle(self, subject: Subject) -> str:
        """Why it does not, for people."""


class _Prefix(msgspec.Struct, frozen=True):
    prefix: str

    def holds(self, subject: Subject) -> bool:
        return subject.message.recipient.startswith(self.prefix)

    def obstacle(self, subject: Subject) -> str:
        return f"{subject.message.recipient} does not begin with {self.prefix}"


class _OfNetwork(msgspec.Struct, frozen=True):
    network: str

    def holds(self, subject: Subject) -> bool:
        found = subject.network
        return found is not None and self.network in (str(found), found.mcc)

    def obstacle(self, subject: Subject) -> str:
        if subject.network is None:
            return f"the network of {subject.message.recipient} is not known, {self.network} is wanted"
        return f"the network is {subject.network}, not {self.network}"


class _Account(msgspec.Struct, frozen=True):
    account: str

    def holds(self, subject: Subject) -> bool:
        return subject.message.account == self.account

    def obstacle(self, subject: Subject) -> str:
        return f"the account is {subject.message.account}, not {self.account}"


class _Sender:
    __slots__ = ("_patterns", "_text")

    def __init__(self, text: str) -> None:
        self._text, self._patterns = text, Patterns([text])

    def holds(self, subject: Subject) -> bool:
        return subject.message.sender in self._patterns

    def obstacle(self, subject: Subject) -> str:
        return f"the sender {subject.message.sender} is not {self._text}"


class _OfCoding(msgspec.Struct, frozen=True):
    coding: str

    def holds(self, subject: Subject) -> bool:
        return subject.coding == self.coding

    def obstacle(self, subject: Subject) -> str:
        return f"the coding is {subject.coding}, not {self.coding}"


class _OfClass(msgspec.Struct, frozen=True):
    classes: tuple[int, ...]

    def holds(self, subject: Subject) -> bool:
        return subject.message.message_class in self.classes

    def obstacle(self, subject: Subject) -> str:
        found = subject.message.message_class
        shown = "the message has no class" if found is None else f"the message class is {found}"
        return f"{shown}, wanted is {' or '.join(map(str, self.classes))}"


class _OfService(msgspec.Struct, frozen=True):
    services: tuple[str, ...]

    def holds(self, subject: Subject) -> bool:
        return subject.message.service in self.services

    def obstacle(self, subject: Subject) -> str:
        found = subject.message.service or "none"
        return f"the service is {found}, not {' or '.join(self.services)}"


class _Priority(msgspec.Struct, frozen=True):
    least: int

    def holds(self, subject: Subject) -> bool:
        return subject.message.priority >= self.least

    def obstacle(self, subject: Subject) -> str:
        return f"the priority is {subject.message.priority}, less than {self.least}"


class _Within:
    __slots__ = ("_hours",)

    def __init__(self, hours: Hours) -> None:
        self._hours = hours

    def holds(self, subject: Subject) -> bool:
        return self._hours.contains(subject.now)

    def obstacle(self, _subject: Subject) -> str:
        return f"it is not {self._hours} now"


# --- rules ---

ADVANTAGES: Final = (
    "has a higher rank",
    "names the whole network",
    "has a longer prefix",
    "names the country of the network",
    "names the account",
    "is more exact about the sender",
    "has more conditions",
    "comes first in the file",
)
"""What each member of `Rule.precedence` says of the rule that decides."""


class Rule:
    """A rule of the config, ready to be asked."""

    __slots__ = (
        "_by_first",
        "_turns",
        "account",
        "conditions",
        "config",
        "decision",
        "failover",
        "hours",
        "name",
        "others",
        "place",
        "precedence",
    )

    def __init__(self, config: RouteConfig, at: int) -> None:
        self.config = config
        self.name = config.name or f"route[{at}]"
        self.account = config.account
        has_hours = bool(config.hours or config.days)
        self.hours = Hours(config.hours, config.days, config.time_zone) if has_hours else None
        self.others = _other_conditions(config, self.hours)
        """All but those that the router has looked at before: number, network, account."""
        self.conditions = (*_number_conditions(config), *self.others)
        self.place = at
        """Among all rules, by precedence."""
        network = config.network
        sender = 0 if not config.sender else 1 if is_pattern(config.sender) else 2
        self.precedence = (
            -config.rank,
            -("-" in network),
            -len(config.prefix),
            -bool(network),
            -bool(config.account),
            -sender,
            -len(self.others) + bool(sender),
            at,
        )
        self.failover = Failover.parse(config.failover_on)
        self.decision = Decision((*config.uplinks, *config.standby), self.failover, self.name)
        self._by_first: dict[str, Decision] = {}
        self._turns = [0] * len(config.uplinks)

    def in_order(self, names: Iterable[str]) -> Decision:
        """The decision for these uplinks, then those that stand by."""
        return Decision((*names, *self.config.standby), self.failover, self.name)

    def first(self, name: str) -> Decision:
        """The decision to try one uplink first, then the others as they are listed."""
        found = self._by_first.get(name)
        if found is None:
            others = [other for other in self.config.uplinks if other != name]
            found = self._by_first[name] = self.in_order((name, *others))
        return found

    def next_in_turn(self) -> str:
        """Whose turn it is by weight: evenly spread, the same every time."""
        turns, weights = self._turns, self.config.weights
        for at, weight in enumerate(weights):
            turns[at] += weight
        chosen = max(range(len(turns)), key=turns.__getitem__)
        turns[chosen] -= sum(weights)
        return self.config.uplinks[chosen]


def _number_conditions(config: RouteConfig) -> tuple[Condition, ...]:
    made: list[Condition] = []
    if config.prefix:
        made.append(_Prefix(config.prefix))
    if config.network:
        made.append(_OfNetwork(config.network))
    if config.account:
        made.append(_Account(config.account))
    return tuple(made)


def _other_conditions(config: RouteConfig, hours: Hours | None) -> tuple[Condition, ...]:
    made: list[Condition] = []
    if config.sender:
        made.append(_Sender(config.sender))
    if config.coding:
        made.append(_OfCoding(config.coding))
    if config.message_class:
        made.append(_OfClass(config.message_class))
    if config.service:
        made.append(_OfService(config.service))
    if config.min_priority:
        made.append(_Priority(config.min_priority))
    if hours is not None:
        made.append(_Within(hours))
    return tuple(made)


# --- costs ---


class Costs:
    """What a part costs over one uplink."""

    __slots__ = ("_by_network", "_by_prefix")

    def __init__(self, rows: Sequence[CostConfig]) -> None:
        self._by_network = {row.network: row.price for row in rows if row.network}
        self._by_prefix = PrefixTable({row.prefix: row.price for row in rows if not row.network})

    def price(self, number: str, network: Network | None) -> float | None:
        """By the whole network, else the longest prefix, else the country, else what holds for any; None: unknown."""
        if network is None:
            return self._by_prefix.find(number)
        whole = self._by_network.get(str(network)) if network.mnc else None
        if whole is not None:
            return whole
        found = self._by_prefix.find_with_prefix(number)
        if found is not None and found[0]:
            return found[1]
        country = self._by_network.get(network.mcc)
        return country if country is not None else found[1] if found is not None else None


# --- explanations ---


class Choice(msgspec.Struct, frozen=True):
    """An uplink that the deciding rule names."""

    name: str
    note: str = ""
    is_available: bool | None = None
    health: str = ""
    """What its answers of late say against it; empty: nothing."""


class RuleNote(msgspec.Struct, frozen=True):
    """What there is to say of a rule."""

    name: str
    fits: bool
    reason: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message goes where it goes."""

    recipient: str
    account: str
    sender: str
    network: str
    """Empty where the tables know none."""
    rule: str
    """The rule that decides; empty: none takes the message."""
    uplinks: tuple[Choice, ...]
    rules: tuple[RuleNote, ...]
    """All rules, in the order of precedence."""

    def lines(self) -> list[str]:
        """For people."""
        out = [
            f"{self.recipient} from {self.sender or '(no sender)'}, account {self.account or '(none)'},"
            f" network {self.network or 'not known'}"
        ]
        if self.rule:
            out.append(f"rule {self.rule} decides:")
            out += [f"  {at}. {_shown(choice)}" for at, choice in enumerate(self.uplinks, 1)]
        else:
            out.append("no rule takes it: it is refused")
        return out + [f"  {'+' if note.fits else '-'} {note.name}: {note.reason}" for note in self.rules]


def _shown(choice: Choice) -> str:
    notes = [choice.note] if choice.note else []
    if choice.is_available is not None:
        notes.append("available" if choice.is_available else "not available now")
    if choice.health:
        notes.append(choice.health)
    return choice.name + (f" ({', '.join(notes)})" if notes else "")
