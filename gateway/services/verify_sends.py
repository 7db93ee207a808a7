"""How a code leaves: as a message of ours, or over a provider's channel.

"sms" ──NewMessage(secret)──► intake          anything else ──ChannelOrder──► ChannelSender
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog

from gateway.config.services import VerifyConfig
from gateway.errors import InvalidMessage, RateLimited
from gateway.models import SERVICES, Message, NewMessage
from gateway.providers.ports import NoAnswer, NotOffered, VerifyError, VerifyProblem
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSender, ChannelSent, Compared
from gateway.services import templates
from gateway.services.codes import as_typed
from gateway.services.kept_codes import KeptCode
from gateway.services.verifications import Document
from gateway.services.watching import origin_of

log = structlog.get_logger(__name__)

SMS: Final = "sms"
SERVICE: Final = "verify"
_READ_OUT: Final = frozenset({"flash_call", "missed_call"})
"""Channels that carry no text."""


class SendFailed(Exception):
    """A code could not be handed over.

    Attributes:
        problem: what callers are told.
        retry_after: seconds, where waiting helps.
    """

    def __init__(self, text: str, problem: VerifyProblem, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.problem = problem
        self.retry_after = retry_after

    def as_error(self, verification_id: str) -> VerifyError:
        """For who asked."""
        return VerifyError(self.problem, str(self), verification_id=verification_id, retry_after=self.retry_after)


class Accepts(Protocol):
    """Takes messages in, as `gateway.intake.Intake` does."""

    async def accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = ()
    ) -> Sequence[Message | InvalidMessage]:
        """Returns after the commit: what each became."""


PROBLEMS: Final = {
    "no_route": VerifyProblem.NO_ROUTE,
    "no_price": VerifyProblem.NO_ROUTE,
    "insufficient_balance": VerifyProblem.NO_FUNDS,
    "quota_exceeded": VerifyProblem.NO_FUNDS,
    "invalid_recipient": VerifyProblem.BAD_NUMBER,
    "invalid_sender": VerifyProblem.BAD_SENDER,
    "missing_sender": VerifyProblem.BAD_SENDER,
    "sender_not_allowed": VerifyProblem.BAD_SENDER,
    "sender_blocked": VerifyProblem.BAD_SENDER,
    "recipient_blocked": VerifyProblem.BLOCKED,
    "recipient_not_allowed": VerifyProblem.BLOCKED,
    "recipient_opted_out": VerifyProblem.BLOCKED,
    "outside_hours": VerifyProblem.BLOCKED,
    "rate_limited": VerifyProblem.BLOCKED,
}
"""Codes of InvalidMessage; others are BAD_REQUEST."""


class CodeSender:
    """Hands codes over.

    Args:
        default_sender: whom an account's messages come from where nobody says; empty: the config does.
        channels: the ways besides SMS; None: there are none.
    """

    def __init__(
        self,
        config: VerifyConfig,
        *,
        intake: Accepts,
        default_sender: Callable[[str], str],
        clock: Callable[[], float],
        channels: ChannelSender | None = None,
    ) -> None:
        self._config = config
        self._intake = intake
        self._default_sender = default_sender
        self._clock = clock
        self._channels = channels

    def use(self, config: VerifyConfig) -> None:
        """Go by other settings from now on."""
        self._config = config

    def is_offered(self, account: str, channel: str) -> bool:
        """Whether codes can go this way."""
        return channel == SMS or (self._channels is not None and self._channels.is_offered(account, channel))

    async def send(self, account: str, document: Document, code: str) -> ChannelSent:
        """Hand over the latest of a document's sends.

        Raises:
            SendFailed: it was not taken.
            StoreError: nothing was kept; it may be tried again.
        """
        if document.history[-1].channel == SMS:
            return await self._send_message(account, document, code)
        return await self._send_elsewhere(account, document, code)

    async def _send_message(self, account: str, document: Document, code: str) -> ChannelSent:
        request, send = document.request, document.history[-1]
        seconds = max(1, int(document.expires_at - self._clock()))
        message = NewMessage(
            account=account,
            recipient=send.recipient,
            sender=send.sender or self._default_sender(account) or self._config.sender,
            text=self._text(document, code),
            secret=True,
            is_free=request.per_conversion,
            dialect=SERVICES,
            origin=origin_of(SERVICE, f"{request.id}/{len(document.history) - 1}"),
            client_reference=request.reference[:255],
            validity_seconds=seconds,
            priority=self._config.priority,
        )
        (outcome,) = await self._intake.accept([message], ids=[send.message_id])
        if isinstance(outcome, InvalidMessage):
            problem = PROBLEMS.get(outcome.code, VerifyProblem.BAD_REQUEST)
            retry_after = outcome.retry_after if isinstance(outcome, RateLimited) else 0.0
            raise SendFailed(outcome.message, problem, retry_after)
        return ChannelSent(reference=outcome.id)

    async def _send_elsewhere(self, account: str, document: Document, code: str) -> ChannelSent:
        request, send = document.request, document.history[-1]
        number = len(document.history) - 1
        step = next((one for one in request.steps if one.channel == send.channel), None)
        order = ChannelOrder(
            id=order_id(account, request.id, number),
            account=account,
            channel=send.channel,
            number=send.recipient,
            sender=send.sender,
            text="" if send.channel in _READ_OUT else self._text(document, code),
            code=code,
            is_own_code=document.is_own_code,
            validity_seconds=request.validity_seconds,
            language=document.language,
            brand=request.brand,
            fields=dict(step.fields) if step is not None else {},
        )
        try:
            if self._channels is None:
                raise NotOffered(f"no uplink carries codes over {send.channel}")
            return await self._channels.send(order)
        except NotOffered as error:
            raise SendFailed(str(error), VerifyProblem.NO_ROUTE) from None
        except ChannelRefused as error:
            if error.in_doubt:
                # It may be on its way: then it is not sent again, and the code in it counts.
                log.warning("a code is in doubt", verification=request.id, channel=send.channel, reason=str(error))
                return ChannelSent()
            raise SendFailed(str(error), VerifyProblem.NO_ROUTE) from None

    async def compare(self, account: str, kept: KeptCode, code: str, fields: Mapping[str, str]) -> Compared:
        """What the provider that keeps a code says of one.

        Raises:
            NoAnswer: nothing.
        """
        try:
            if self._channels is None:
                raise NotOffered("no uplink leads anywhere")
            return await self._channels.compare(account, *kept, as_typed(code), fields)
        except (NotOffered, ChannelRefused) as error:
            raise NoAnswer(str(error)) from None

    def _text(self, document: Document, code: str) -> str:
        request = document.request
        return templates.write(
            code,
            brand=request.brand,
            seconds=request.validity_seconds,
            language=document.language,
            template=request.template,
            retriever_hash=request.sms_retriever_hash,
        )


def order_id(account: str, verification_id: str, number: int) -> str:
    """What a channel's order is called."""
    return f"{SERVICE}/{account}/{verification_id}/{number}"


def parse_order(order: str) -> tuple[str, str] | None:
    """Account, and the rest as a message's origin has it; None where it is none of ours."""
    service, _, rest = order.partition("/")
    account, slash, tail = rest.partition("/")
    is_ours = service == SERVICE and bool(slash) and tail.rpartition("/")[2].isdecimal()
    return (account, tail) if is_ours else None
