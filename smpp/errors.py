"""Everything that `smpp` raises.

SmppError
├── EncodeError            a value of ours that the specification forbids   (local mistake)
├── DecodeError            octets of the peer that cannot be read           (peer's mistake)
│   └── FrameError         ... and the place in the stream is lost
├── ScriptError            a simulator's script that makes no sense        (local mistake)
├── InvalidUrl             a connection URL that cannot be                  (local mistake)
├── RecordingError         a file that cannot be recorded to                (local mistake)
├── StateError             not allowed in this state of the session         (local mistake)
│   └── WindowFull         too many requests without a response
├── Reject                 raised by a handler: answer with this status
├── CommandFailed          the peer answered with an error status
│   ├── SubmitRejected     ... to a message
│   └── BindFailed         ... to the bind
├── RequestLost            a request has no response
│   ├── NotSent            ... and surely never left
│   └── InDoubt            ... and may have been processed
│       └── ResponseTimeout
└── ConnectionLost         the link is gone
"""

from smpp.constants import command_name
from smpp.status import CommandStatus, describe_status, status_name


class SmppError(Exception):
    """Base of every error of this package.

    Attributes:
        parts: where `send` raised it: what became of each part of the message, a `Submission` or an error.
    """

    parts: tuple[object, ...] = ()


class EncodeError(SmppError):
    """A value that cannot go on the wire: names the PDU, the field, the limit and the value."""


class InvalidUrl(SmppError):
    """A connection URL that cannot be; the text says what is wrong and never shows a password."""


class DecodeError(SmppError):
    """Octets that cannot be read.

    Attributes:
        command_status: what an SMSC answers to a request with this fault.
        fatal: whether the position in the stream is lost, so that the link has to be closed.
    """

    fatal = False

    def __init__(self, message: str, command_status: int = CommandStatus.ESME_RINVCMDLEN) -> None:
        super().__init__(message)
        self.command_status = int(command_status)


class FrameError(DecodeError):
    """A command_length that no PDU can have. §4.3: generic_nack, then close."""

    fatal = True

    def __init__(self, message: str, sequence_number: int = 0) -> None:
        super().__init__(message, CommandStatus.ESME_RINVCMDLEN)
        self.sequence_number = sequence_number


class ScriptError(SmppError):
    """A script for the simulator holds what no script may hold.

    Attributes:
        file: where it stands.
        key: which setting, such as ``rule[2].status``; "" for the file as a whole.
        value: what it says, as text.
        expected: what it may say.
    """

    def __init__(self, file: str, key: str, value: str, expected: str) -> None:
        self.file = file
        self.key = key
        self.value = value
        self.expected = expected
        where = f"{file}: {key} = {value}" if key else file
        super().__init__(f"{where}: expected {expected}")


class RecordingError(SmppError):
    """A file that cannot be recorded to."""


class StateError(SmppError):
    """An operation that the session's state, role or bind mode does not allow."""


class WindowFull(StateError):
    """As many requests as the window holds are waiting for their response."""


class Reject(SmppError):
    """Raise it in a handler to answer the request with an error status.

    Args:
        command_status: the status of the response.
        reason: for our own log; it never reaches the peer.
    """

    def __init__(self, command_status: int, reason: str = "") -> None:
        super().__init__(f"{describe_status(command_status)}{': ' + reason if reason else ''}")
        self.command_status = int(command_status)
        self.reason = reason


class CommandFailed(SmppError):
    """The peer answered a request with an error status.

    Attributes:
        command_status: the status, any 32-bit value.
        command: the specification's name of the request.
        where: which link it went over, for the reader of a log.
    """

    def __init__(self, command_status: int, command: str, *, where: str = "", detail: str = "") -> None:
        self.command_status = int(command_status)
        self.command = command
        self.where = where
        self.detail = detail
        text = f"{command}: {describe_status(command_status)}"
        if detail:
            text += f" {detail}"
        if where:
            text += f" on {where}"
        super().__init__(text)

    @property
    def status_name(self) -> str:
        """Name of the status, or its number in hex."""
        return status_name(self.command_status)


class SubmitRejected(CommandFailed):
    """The SMSC did not take a message."""


class BindFailed(CommandFailed):
    """The SMSC refused the bind."""


class RequestLost(SmppError):
    """No response will come for a request."""

    def __init__(self, command_id: int, sequence_number: int, reason: str) -> None:
        self.command_id = command_id
        self.sequence_number = sequence_number
        self.reason = reason
        super().__init__(f"{command_name(command_id)} #{sequence_number}: {reason}")


class NotSent(RequestLost):
    """The request surely never left: sending it again cannot make two of it."""


class InDoubt(RequestLost):
    """The request left and the link was lost before its response: the peer may have processed it."""


class ResponseTimeout(InDoubt):
    """The peer did not answer in time."""


class ConnectionLost(SmppError):
    """The link to the peer is gone, or could not be made."""
