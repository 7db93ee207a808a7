"""What a simulated SMSC is told to do: rules for messages and binds, faults of links, receipts, ids.

The same names serve in Python (`Script(rules=(Rule(destination="44*", status="ESME_RTHROTTLED"),))`) and in TOML
(`[[rule]]`, `[[bind]]`, `[link]`, `[receipts]`, `[ids]`; see `smpp.simulator.script_file`).
"""

import re
from random import Random
from typing import Annotated, Final, Literal

import msgspec

from smpp.constants import MessageState
from smpp.simulator.forms import RECEIPT_FORMS
from smpp.status import CommandStatus

NonNegative = Annotated[float, msgspec.Meta(ge=0)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Exponential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delay like those of real networks: mostly short, at times long."""

    mean: NonNegative
    max: NonNegative = 60.0


# Without constraints on its items: msgspec 0.22 crashes in the garbage collector over a tuple of constrained items in
# a union. `check_delay` looks at them.
Delay = float | tuple[float, float] | Exponential
"""Seconds; or anything between two numbers of seconds; or exponential."""

Status = int | str
"""A command_status: its number, its name (`ESME_RTHROTTLED`, `RTHROTTLED`) or its number in hex (`0x58`)."""

Answer = Literal["normal", "none", "malformed", "bad_length", "wrong_type", "duplicate", "nack"]
ReceiptPlan = Literal["normal", "none", "duplicate", "out_of_order", "before_response"]
Route = Literal["any", "same", "other_server", "other_bind"]
IdFormat = Literal["decimal", "hex", "padded", "uuid"]

NO_DELAY: Final = 0.0
_WORD: Final = re.compile("[A-Za-z0-9_-]{1,30}")


class BadValue(ValueError):
    """A setting that no simulated SMSC can follow.

    Attributes:
        key: its name.
        value: what it says.
        expected: what it may say.
    """

    def __init__(self, key: str, value: object, expected: str) -> None:
        super().__init__(f"{key} = {value!r}: expected {expected}")
        self.key = key
        self.value = value
        self.expected = expected


def parse_status(status: Status, key: str = "status") -> int:
    """The number of a status.

    Raises:
        BadValue: no status is called so.
    """
    number = status if isinstance(status, int) else _status_number(status)
    if number is None or not 0 <= number <= 0xFFFFFFFF:
        raise BadValue(key, status, "a command_status: a name such as ESME_RTHROTTLED, or 0 to 0xFFFFFFFF")
    return number


def _status_number(text: str) -> int | None:
    name = text.upper() if text.upper().startswith("ESME_") else f"ESME_{text.upper()}"
    if name in CommandStatus.__members__:
        return int(CommandStatus[name])
    try:
        return int(text, 0)
    except ValueError:
        return None


def parse_state(name: str, key: str = "receipt_state") -> MessageState:
    """The message_state of this name.

    Raises:
        BadValue: there is none.
    """
    try:
        return MessageState[name.upper()]
    except KeyError:
        raise BadValue(key, name, f"one of {', '.join(state.name for state in MessageState)}") from None


def check_form(form: str, key: str) -> None:
    """Whether receipts can be written so.

    Raises:
        BadValue: there is no such form.
    """
    if form not in RECEIPT_FORMS:
        raise BadValue(key, form, f"one of {', '.join(RECEIPT_FORMS)}")


def check_delay(key: str, delay: Delay) -> None:
    """Whether it can be waited for.

    Raises:
        BadValue: negative, or the wrong way round.
    """
    if isinstance(delay, Exponential):
        return
    least, most = delay if isinstance(delay, tuple) else (delay, delay)
    if not 0 <= least <= most:
        raise BadValue(key, delay, "seconds of 0 or more, or [least, most]")


def draw(delay: Delay, random: Random) -> float:
    """Seconds out of a distribution."""
    if isinstance(delay, float | int):
        return delay
    if isinstance(delay, tuple):
        return random.uniform(*delay)
    return min(delay.max, random.expovariate(1 / delay.mean)) if delay.mean else 0.0


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which messages, and what to do with them. The first rule that matches decides.

    Patterns match whole values; ``*`` stands for anything, ``?`` for one character, nothing else is special.
    """

    destination: str = "*"
    source: str = "*"
    text: str = "*"
    """Pattern for the text, decoded; of a part of a long message, the part's."""
    system_id: str = "*"
    server: Count | None = None
    """Index of the server that got it."""
    every: Count = 0
    """Of the messages that fit so far, only every so many-th: 3 takes the third, the sixth, ..."""
    probability: Probability = 1.0
    first: Count = 0
    """Only so many times; 0: always."""
    over_per_second: Count = 0
    """Only what exceeds so many in any sliding second; answered ESME_RTHROTTLED if no `status` is given."""
    scope: Literal["bind", "server", "group"] = "server"
    """What `over_per_second` counts."""

    status: Status = 0
    """What to answer; anything but 0 means that the message was not accepted."""
    delay: Delay = NO_DELAY
    """Before the answer."""
    answer: Answer = "normal"
    """`none`: accepted in silence. `malformed`: a body that cannot be read. `bad_length`: a command_length that loses
    the framing. `wrong_type`: the response of another command. `duplicate`: twice. `nack`: generic_nack."""
    disconnect: Literal["", "before", "after"] = ""
    """Close the connection instead of answering (the message counts as accepted), or right after."""
    freeze: NonNegative = 0.0
    """Neither read nor write for so many seconds after the answer. Our own timers go on: a link that is frozen
    for longer than enquire_link_seconds and response_timeout_seconds of `Simulator(session=...)` is closed."""
    receipt: ReceiptPlan = "normal"
    """`out_of_order`: an ENROUTE behind the final one."""
    receipt_state: str = ""
    """A message_state by name; else drawn by `receipts.states`."""
    receipt_word: str = ""
    """What `stat` of the receipt says instead of the state's own word: up to 30 letters, digits, "-" and "_"."""
    receipt_delay: Delay | None = None
    receipt_form: str = ""
    error: str = "000"
    """`err` of the receipt, and network_error_code where it is a number."""

    def __post_init__(self) -> None:
        parse_status(self.status)
        check_delay("delay", self.delay)
        if self.receipt_delay is not None:
            check_delay("receipt_delay", self.receipt_delay)
        if self.receipt_state:
            parse_state(self.receipt_state)
        if self.receipt_form:
            check_form(self.receipt_form, "receipt_form")
        if self.receipt_word and not _WORD.fullmatch(self.receipt_word):
            raise BadValue("receipt_word", self.receipt_word, 'up to 30 letters, digits, "-" and "_"')
        if not (1 <= len(self.error) <= 5 and self.error.isascii() and self.error.isalnum()):
            raise BadValue("error", self.error, "1 to 5 letters or digits")


class BindRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which binds, and what to do with them. The first rule that matches decides."""

    system_id: str = "*"
    mode: Literal["", "tx", "rx", "trx"] = ""
    server: Count | None = None
    every: Count = 0
    probability: Probability = 1.0
    first: Count = 0

    status: Status = 0
    """What to answer; 0: let it in, if its credentials are right."""
    delay: Delay = NO_DELAY
    answer: Literal["normal", "none", "disconnect"] = "normal"

    def __post_init__(self) -> None:
        parse_status(self.status)
        check_delay("delay", self.delay)


class LinkFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do to every connection."""

    ignore_enquire_link: bool = False
    write_octets: Count = 0
    """Write in pieces of so many octets; 0: whole."""
    write_delay: NonNegative = 0.0
    """Seconds between two pieces."""
    window: Count = 0
    """Requests without an answer that a bind may have; more are refused."""
    window_status: Status = "ESME_RTHROTTLED"

    def __post_init__(self) -> None:
        parse_status(self.window_status, "window_status")

    @property
    def changes_writing(self) -> bool:
        """Whether octets do not go out as they are."""
        return self.ignore_enquire_link or self.write_octets > 0


class Receipts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How receipts are given to those who asked for them."""

    delay: Delay = NO_DELAY
    """From the response to the final state."""
    states: dict[str, NonNegative] = msgspec.field(default_factory=lambda: {"DELIVERED": 1.0})
    """Final states and how often each comes, relative to each other."""
    form: str = "standard"
    """A name of `RECEIPT_FORMS`."""
    route: Route = "any"
    """Which of the account's binds gets a receipt; where there is none such, any that can receive."""
    attempts: Annotated[int, msgspec.Meta(ge=1)] = 10
    """How often one is sent that is not acknowledged, or with an error."""
    retry: Delay = 1.0
    """Seconds before it is sent again."""
    lead: NonNegative = 0.05
    """By how many seconds a receipt comes before the response where a rule says `before_response`."""

    def __post_init__(self) -> None:
        check_form(self.form, "form")
        check_delay("delay", self.delay)
        check_delay("retry", self.retry)
        for state in self.states:
            parse_state(state, "states")
        if not sum(self.states.values()):
            raise BadValue("states", self.states, "at least one weight above 0")


class Ids(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How message ids look."""

    format: IdFormat = "decimal"
    start: Count = 1
    width: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10
    """Digits of `padded`."""
    receipt_format: Literal["same", "decimal", "hex", "padded"] = "same"
    """How receipts write them; some SMSCs answer in hex and report in decimal."""

    def __post_init__(self) -> None:
        if self.format == "uuid" and self.receipt_format != "same":
            raise BadValue("receipt_format", self.receipt_format, '"same" where format is "uuid"')


class Script(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"rules": "rule", "binds": "bind"}
):
    """Everything a simulated SMSC is told."""

    rules: tuple[Rule, ...] = ()
    binds: tuple[BindRule, ...] = ()
    link: LinkFaults = LinkFaults()
    receipts: Receipts = Receipts()
    ids: Ids = Ids()
    distribution_lists: dict[str, tuple[str, ...]] = {}
    """Names that submit_multi may use, with the numbers they stand for."""
    max_binds: Count = 0
    """Binds of one system_id on one server; more get ESME_RALYBND. 0: any number."""
    seed: int | None = None
    """Makes probabilities, delays and routes repeat themselves."""
