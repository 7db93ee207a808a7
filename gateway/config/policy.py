"""What may be sent: by whom, to whom, when, how fast, under which name."""

from typing import Annotated, Literal

import msgspec

from gateway.config.routing import Day
from gateway.settings import setting

SenderKind = Literal["any", "numeric", "alphanumeric"]


class AccountRulesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What one account's messages must be like."""

    share: Annotated[int, setting("Its turns, beside those of others that have messages waiting.", ge=1, le=1_000)] = 1
    min_priority: Annotated[int, setting("Its messages are at least so urgent.", ge=0, le=3)] = 0
    max_priority: Annotated[int, setting("... and at most so urgent.", ge=0, le=3)] = 3
    messages_per_second: Annotated[
        float,
        setting(
            "How fast it may send, through all nodes together; 0: any.", unit="messages a second", ge=0, le=1_000_000
        ),
    ] = 0.0
    burst_messages: Annotated[
        int,
        setting("Messages that may come at once; 0: those of a second.", unit="messages", ge=0, le=1_000_000),
    ] = 0
    duplicate_seconds: Annotated[
        int,
        setting(
            "For how long the same text from the same sender to the same number is refused; 0: it is not.",
            unit="seconds",
            ge=0,
            le=604_800,
        ),
    ] = 0
    country_prefix: Annotated[
        str, setting("Put before national numbers: 44; empty: all numbers are international.", pattern="^[0-9]{0,4}$")
    ] = ""
    trunk_prefix: Annotated[
        str, setting("How national numbers begin; empty: in no way of their own.", pattern="^[0-9]{0,4}$")
    ] = "0"
    national_digits: Annotated[
        tuple[Annotated[int, setting("A length.", ge=4, le=14)], ...],
        setting("Lengths by which a national number is known that does not begin so."),
    ] = ()
    sender_kind: Annotated[SenderKind, setting("What its senders must be.")] = "any"
    blocked_recipients: Annotated[
        tuple[str, ...], setting("Numbers it may not send to; * stands for any digits: 4490*.")
    ] = ()
    allowed_recipients: Annotated[
        tuple[str, ...], setting("Numbers it may send to; * stands for any digits: 44*; empty: any.")
    ] = ()
    opt_outs: Annotated[bool, setting("Whether numbers that asked for no more messages are refused.")] = True
    hours: Annotated[str, setting("When its messages may leave, HH:MM-HH:MM: for advertising; empty: always.")] = ""
    days: Annotated[tuple[Day, ...], setting("... and on which days; empty: on all.")] = ()
    time_zone: Annotated[str, setting("Whose hours and days they are: Asia/Kolkata.")] = "UTC"
    hours_service: Annotated[
        tuple[Annotated[str, setting("A kind of traffic.", min_length=1, max_length=32)], ...],
        setting(
            "Which kinds of traffic keep the hours, however urgent they are: promotional, a provider's product; others,"
            " and those of none, may leave at any time. Empty: hours_priority decides."
        ),
    ] = ()
    hours_priority: Annotated[int, setting("More urgent messages may leave at any time.", ge=0, le=3)] = 0
    outside_hours: Annotated[
        Literal["wait", "refuse"],
        setting("What becomes of the others: they are scheduled for the next hour, or refused."),
    ] = "wait"


class PolicyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody may send."""

    blocked_recipients: Annotated[
        tuple[str, ...], setting("Numbers that nobody may send to; * stands for any digits: 4490*.")
    ] = ()
    blocked_senders: Annotated[
        tuple[str, ...], setting("Senders that nobody may use, large and small letters alike: *BANK*.")
    ] = ()


class SenderCountryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a country asks of senders. The rule with the longest prefix holds, of an account before of all."""

    prefix: Annotated[str, setting("Which recipients: those that begin so.", pattern="^[0-9]{1,15}$", sample="91")]
    account: Annotated[str, setting("Only for this account; empty: for all.")] = ""
    kind: Annotated[SenderKind, setting("What senders must be there.")] = "any"
    senders: Annotated[
        tuple[str, ...], setting("Which ones are registered there; * stands for any characters; empty: any.")
    ] = ()
    replace_with: Annotated[
        str, setting("The sender that takes the place of others; empty: they are refused.", max_length=20)
    ] = ""
