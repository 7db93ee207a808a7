"""What an error status asks of the sender: one table for messages, one for binds. Pure data.

`RetryPolicy` is the table with a connector's overrides on top: SMSCs use the same number for different things.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from smpp.status import CommandStatus, describe_status


class RetryClass(StrEnum):
    """What to do with a part that was answered with an error."""

    THROTTLED = "throttled"
    """We are too fast: pause the link, then send the same part first."""
    RETRY_LATER = "retry_later"
    """A passing fault of theirs: the part is worth another attempt later, or on another link."""
    PERMANENT = "permanent"
    """The same part will be refused again."""


THROTTLING: Final = frozenset({int(CommandStatus.ESME_RTHROTTLED), int(CommandStatus.ESME_RMSGQFUL)})
"""Statuses that are no failures: the SMSC wants us to wait and send the same part again."""


class BindClass(StrEnum):
    """What to do about a refused bind."""

    ALREADY_BOUND = "already_bound"
    """The SMSC still holds our old session, or we have all the binds we may: wait until it noticed."""
    TEMPORARY = "temporary"
    """Try again with the usual back-off."""
    UNSUPPORTED = "unsupported"
    """It does not know this kind of bind: try a transmitter and a receiver instead of a transceiver."""
    REFUSED = "refused"
    """Credentials or settings: a person has to act. Worth a slow retry, since it may be mended at the other end."""


_S = CommandStatus
_LATER: Final = RetryClass.RETRY_LATER
_NEVER: Final = RetryClass.PERMANENT

MESSAGE_CLASSES: Final[Mapping[int, tuple[RetryClass, str]]] = MappingProxyType(
    {
        _S.ESME_RTHROTTLED: (RetryClass.THROTTLED, "the rate agreed upon is exceeded"),
        _S.ESME_RMSGQFUL: (
            RetryClass.THROTTLED,
            "their queue is full: as a rule ours at the SMSC, else the recipient's",
        ),
        _S.ESME_RSYSERR: (_LATER, "a fault inside the SMSC that says nothing about the message"),
        _S.ESME_RX_T_APPN: (_LATER, "temporary by name"),
        _S.ESME_RINVBNDSTS: (_LATER, "the SMSC lost our bind: any other link can carry the part"),
        _S.ESME_RSERTYPUNAVAIL: (_LATER, "an outage of one service within the SMSC"),
        _S.ESME_RINVMSGLEN: (_NEVER, "the message is too long"),
        _S.ESME_RINVCMDLEN: (_NEVER, "the PDU is malformed in their eyes"),
        _S.ESME_RINVCMDID: (_NEVER, "the command is not supported"),
        _S.ESME_RALYBND: (_NEVER, "no answer to a message"),
        _S.ESME_RINVPRTFLG: (_NEVER, "a field is refused"),
        _S.ESME_RINVREGDLVFLG: (_NEVER, "a field is refused"),
        _S.ESME_RINVSRCADR: (_NEVER, "the sender is refused"),
        _S.ESME_RINVDSTADR: (_NEVER, "the recipient is refused"),
        _S.ESME_RINVMSGID: (_NEVER, "there is no such message"),
        _S.ESME_RBINDFAIL: (_NEVER, "no answer to a message"),
        _S.ESME_RINVPASWD: (_NEVER, "no answer to a message"),
        _S.ESME_RINVSYSID: (_NEVER, "no answer to a message"),
        _S.ESME_RCANCELFAIL: (_NEVER, "the message left already, or is not known"),
        _S.ESME_RREPLACEFAIL: (_NEVER, "the message left already, or is not known"),
        _S.ESME_RINVSERTYP: (_NEVER, "a field is refused"),
        _S.ESME_RINVNUMDESTS: (_NEVER, "a field is refused"),
        _S.ESME_RINVDLNAME: (_NEVER, "a field is refused"),
        _S.ESME_RINVDESTFLAG: (_NEVER, "a field is refused"),
        _S.ESME_RINVSUBREP: (_NEVER, "a field is refused"),
        _S.ESME_RINVESMCLASS: (_NEVER, "a field is refused"),
        _S.ESME_RCNTSUBDL: (_NEVER, "lists are not allowed to us"),
        # Some SMSCs answer it for a passing fault, more of them as a general refusal: override it where the first is
        # known.
        _S.ESME_RSUBMITFAIL: (_NEVER, "refused without a reason"),
        _S.ESME_RINVSRCTON: (_NEVER, "a field is refused"),
        _S.ESME_RINVSRCNPI: (_NEVER, "a field is refused"),
        _S.ESME_RINVDSTTON: (_NEVER, "a field is refused"),
        _S.ESME_RINVDSTNPI: (_NEVER, "a field is refused"),
        _S.ESME_RINVSYSTYP: (_NEVER, "a field is refused"),
        _S.ESME_RINVREPFLAG: (_NEVER, "a field is refused"),
        _S.ESME_RINVNUMMSGS: (_NEVER, "a field is refused"),
        _S.ESME_RINVSCHED: (_NEVER, "the time of delivery is refused"),
        _S.ESME_RINVEXPIRY: (_NEVER, "the validity period is refused"),
        _S.ESME_RINVDFTMSGID: (_NEVER, "a field is refused"),
        _S.ESME_RX_P_APPN: (_NEVER, "permanent by name"),
        _S.ESME_RX_R_APPN: (_NEVER, "rejected by name"),
        _S.ESME_RQUERYFAIL: (_NEVER, "the message is not known"),
        _S.ESME_RINVOPTPARSTREAM: (_NEVER, "a TLV is refused"),
        _S.ESME_ROPTPARNOTALLWD: (_NEVER, "a TLV is refused"),
        _S.ESME_RINVPARLEN: (_NEVER, "a TLV is refused"),
        _S.ESME_RMISSINGOPTPARAM: (_NEVER, "a TLV is missing"),
        _S.ESME_RINVOPTPARAMVAL: (_NEVER, "a TLV is refused"),
        # data_sm in transaction mode: delivery was tried while we waited, and delivery_failure_reason says how it
        # failed.
        _S.ESME_RDELIVERYFAILURE: (_NEVER, "delivery was tried and failed"),
        _S.ESME_RUNKNOWNERR: (_NEVER, "refused without a reason"),
        _S.ESME_RSERTYPUNAUTH: (_NEVER, "the service is not allowed to us"),
        _S.ESME_RPROHIBITED: (_NEVER, "the operation is not allowed to us"),
        _S.ESME_RSERTYPDENIED: (_NEVER, "the service refuses this content"),
        _S.ESME_RINVDCS: (_NEVER, "a field is refused"),
        _S.ESME_RINVSRCADDRSUBUNIT: (_NEVER, "a field is refused"),
        _S.ESME_RINVDSTADDRSUBUNIT: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTFREQINT: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTALIAS_NAME: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTAREAFMT: (_NEVER, "a field is refused"),
        _S.ESME_RINVNUMBCAST_AREAS: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTCNTTYPE: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTMSGCLASS: (_NEVER, "a field is refused"),
        _S.ESME_RBCASTFAIL: (_NEVER, "refused without a reason"),
        _S.ESME_RBCASTQUERYFAIL: (_NEVER, "the message is not known"),
        _S.ESME_RBCASTCANCELFAIL: (_NEVER, "the message left already, or is not known"),
        _S.ESME_RINVBCAST_REP: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTSRVGRP: (_NEVER, "a field is refused"),
        _S.ESME_RINVBCASTCHANIND: (_NEVER, "a field is refused"),
    }
)
"""Class and reason of every error status that the specification names, as the answer to a message."""

BIND_CLASSES: Final[Mapping[int, tuple[BindClass, str]]] = MappingProxyType(
    {
        _S.ESME_RALYBND: (BindClass.ALREADY_BOUND, "a session of ours is still there, or all we may have are"),
        _S.ESME_RSYSERR: (BindClass.TEMPORARY, "a fault inside the SMSC"),
        _S.ESME_RTHROTTLED: (BindClass.TEMPORARY, "too many binds in a short time"),
        _S.ESME_RMSGQFUL: (BindClass.TEMPORARY, "the SMSC is overloaded"),
        _S.ESME_RX_T_APPN: (BindClass.TEMPORARY, "temporary by name"),
        # Wrong credentials by v5.0; in the field also "too many binds", "database down" and "address not allowed".
        _S.ESME_RBINDFAIL: (BindClass.TEMPORARY, "refused without a reason"),
        _S.ESME_RINVCMDID: (BindClass.UNSUPPORTED, "the command is not known there"),
        _S.ESME_RINVBNDSTS: (BindClass.UNSUPPORTED, "this kind of bind is not open to us"),
        _S.ESME_RINVPASWD: (BindClass.REFUSED, "wrong password"),
        _S.ESME_RINVSYSID: (BindClass.REFUSED, "unknown system_id"),
        _S.ESME_RINVSYSTYP: (BindClass.REFUSED, "wrong system_type"),
        _S.ESME_RINVCMDLEN: (BindClass.REFUSED, "the bind is malformed in their eyes, a field too long perhaps"),
        _S.ESME_RPROHIBITED: (BindClass.REFUSED, "the bind is not allowed to us"),
    }
)
"""Class and reason of a refused bind. Others are temporary: a bind that is tried again does no harm."""

_NAMES: Final = {
    **{status.name: int(status) for status in CommandStatus},
    # v5.0 renamed these; providers' lists use either.
    "ESME_RINVTLVSTREAM": int(_S.ESME_RINVOPTPARSTREAM),
    "ESME_RTLVNOTALLWD": int(_S.ESME_ROPTPARNOTALLWD),
    "ESME_RINVTLVLEN": int(_S.ESME_RINVPARLEN),
    "ESME_RMISSINGTLV": int(_S.ESME_RMISSINGOPTPARAM),
    "ESME_RINVTLVVAL": int(_S.ESME_RINVOPTPARAMVAL),
}


class RetryPolicy:
    """The table of retry classes as one connector needs it.

    Args:
        overrides: status to class; they win over the table, and are the only way for a vendor's status to be anything
            but permanent: what nobody described is not sent again and again.
    """

    __slots__ = ("_classes", "_overrides")

    def __init__(self, overrides: Mapping[int, RetryClass] | None = None) -> None:
        self._overrides = {int(status): RetryClass(one) for status, one in (overrides or {}).items()}
        if CommandStatus.ESME_ROK in self._overrides:
            raise ValueError("ESME_ROK is no error: it has no retry class")
        self._classes = {int(status): one for status, (one, _) in MESSAGE_CLASSES.items()} | self._overrides

    @classmethod
    def from_config(cls, overrides: Mapping[str, str]) -> "RetryPolicy":
        """The policy a config describes: ``{"ESME_RSUBMITFAIL": "retry_later", "0x40B": "permanent", "1375":
        "throttled"}``.

        Raises:
            ValueError: a status that is neither a name of the specification nor a number, or a class that does not
            exist.
        """
        return cls({_status(name): _retry_class(name, one) for name, one in overrides.items()})

    def classify(self, status: int) -> RetryClass:
        """What to do with a part that was answered with this status.

        Raises:
            ValueError: for ESME_ROK.
        """
        if status == CommandStatus.ESME_ROK:
            raise ValueError("ESME_ROK is no error: it has no retry class")
        return self._classes.get(status, RetryClass.PERMANENT)

    def classify_bind(self, status: int) -> BindClass:
        """What to do about a bind that was answered with this status."""
        known = BIND_CLASSES.get(status)
        return known[0] if known is not None else BindClass.TEMPORARY

    def explain(self, status: int) -> str:
        """One line for a person: the status, its class, and why."""
        if status in self._overrides:
            reason = "by configuration"
        elif status in MESSAGE_CLASSES:
            reason = MESSAGE_CLASSES[status][1]
        else:
            reason = "nothing is known of it"
        return f"{describe_status(status)}: {self.classify(status).value.replace('_', ' ')}, {reason}"


def _status(name: str) -> int:
    known = _NAMES.get(name.strip().upper())
    if known is not None:
        return known
    try:
        status = int(name, 0)
    except ValueError:
        status = -1
    if not 0 <= status <= 0xFFFFFFFF:
        raise ValueError(f"{name!r} is no command_status: give its name or its number, such as 0x40B")
    return status


def _retry_class(name: str, value: str) -> RetryClass:
    try:
        return RetryClass(value)
    except ValueError:
        raise ValueError(f"{name}: {value!r} is no retry class: one of {', '.join(RetryClass)}") from None
