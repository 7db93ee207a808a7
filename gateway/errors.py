"""Everything that `gateway` raises.

GatewayError
├── ConfigError      a setting that cannot be: file, key, value, expectation
├── InvalidMessage   a message that no door may take: code, field
├── NoRoute          ... that no rule takes
├── RateLimited      ... that comes too soon: when to try again
├── KeyTaken         a request that was answered before: fingerprint, answer
├── NotWaiting       a message that has left, or is not known: it cannot be changed any more
├── Unauthorized     unknown or wrong credentials
├── Unsupported      ... that this uplink or provider cannot carry
├── OperatorError    the operator asked for something that cannot be
│   └── NotThere     ... of something that is not there
├── StoreFull        too much waits for the store: try again
└── StoreError       the store cannot commit
"""


class GatewayError(Exception):
    """Base of every error of this package."""


class ConfigError(GatewayError):
    """A setting that cannot be.

    Args:
        file: the config file's name.
        key: dotted path of the setting, as written in the file.
        value: what the file says; secrets are never put here.
        expected: what would have been right.
    """

    def __init__(self, file: str, key: str, value: object, expected: str) -> None:
        self.file = file
        self.key = key
        self.value = value
        self.expected = expected
        shown = "" if value is None else f" is {value!r}"
        super().__init__(f"{file}: {key}{shown}: expected {expected}")


class InvalidMessage(GatewayError):
    """A request that is refused for what it says.

    Attributes:
        code: short stable word for programs, such as ``invalid_recipient``.
        field: the offending field by the gateway's own name (`sender`, `recipient`, `text`, …), or empty.
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class NoRoute(InvalidMessage):
    """No routing rule takes the message."""

    def __init__(self, message: str) -> None:
        super().__init__("no_route", message, "recipient")


class RateLimited(InvalidMessage):
    """An account sends faster than it may.

    Attributes:
        retry_after: seconds.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__("rate_limited", message)
        self.retry_after = retry_after


class KeyTaken(GatewayError):
    """The idempotency key of a request was used before; nothing of the request was kept.

    Attributes:
        fingerprint: of the request that used it; where it is another's, the answer is not for this request.
        answer: what that request was answered.
    """

    def __init__(self, fingerprint: str, answer: bytes) -> None:
        super().__init__("the idempotency key was used before")
        self.fingerprint = fingerprint
        self.answer = answer


class NotWaiting(GatewayError):
    """A message that cannot be cancelled or replaced.

    Attributes:
        is_known: whether the account has such a message at all.
    """

    def __init__(self, message: str, *, is_known: bool = True) -> None:
        super().__init__(message)
        self.is_known = is_known


class Unauthorized(GatewayError):
    """Unknown or wrong credentials, or an account that may not do this."""


class Unsupported(GatewayError):
    """An uplink or a provider cannot carry this message."""


class OperatorError(GatewayError):
    """The operator asked for something that cannot be: the text says why."""


class NotThere(OperatorError):
    """There is no such uplink, server, account, key or message."""


class StoreError(GatewayError):
    """The store cannot commit now; nothing of the request was kept."""


class StoreFull(StoreError):
    """Too much waits to be committed; try again.

    Attributes:
        retry_after: seconds.
    """

    def __init__(self, message: str = "too many requests wait for the store", retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
