"""What the tools that send through a pool share: its settings from URLs, the wait for its first bind, its receipts."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from smpp.client import configure
from smpp.constants import BindMode
from smpp.correlator import Correlator, IdRule
from smpp.endpoint import Endpoint
from smpp.errors import ConnectionLost, InvalidUrl
from smpp.pool import BindState, BindStatus, Pool, PoolConfig
from smpp.receipts import ReceiptDesk, Submission
from smpp.session.session import Trace
from smpp.sms import Receipt
from smpp.status import CommandStatus
from smpp.tools.connecting import find_password, parse_url, tls_of
from smpp.wire import encode
from smpp.wire.pdu import BindTransceiver, DataSm, DeliverSm, Request, Response

Context = TypeVar("Context")

_EXPIRE_EVERY_SECONDS = 1.0
_HELD_SECONDS: Final = 0.5
_MOST_HELD: Final = 500
"""So many of another program's receipts do not keep us from reading."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a pool of a tool binds to."""

    endpoint: Endpoint
    """The first server; credentials and settings are those of its URL."""
    servers: tuple[str, ...]
    """URLs without the credentials of the first."""
    config: PoolConfig
    ssl_context: ssl.SSLContext | None

    @property
    def names(self) -> tuple[str, ...]:
        """``host:port`` of each server."""
        return tuple(Endpoint.parse(url).name for url in self.servers)

    def pool(
        self,
        *,
        desk: ReceiptDesk,
        on_change: Callable[[BindStatus], None] | None = None,
        trace: Trace | None = None,
    ) -> Pool:
        """A pool of binds to it."""
        return Pool(
            self.servers,
            system_id=self.endpoint.system_id,
            password=self.endpoint.password,
            config=self.config,
            desk=desk,
            ssl_context=self.ssl_context,
            on_change=on_change,
            trace=trace,
        )


def find_target(
    url: str,
    others: Sequence[str],
    config: PoolConfig,
    *,
    password_file: Path | None,
    ca_file: Path | None,
    server_name: str,
    window: int | None = None,
) -> Target:
    """The servers that URLs name, and how to bind to them; a window given here goes before the URL's.

    Raises:
        InvalidUrl: one of them cannot be.
        EncodeError: credentials that no bind can hold.
        click.UsageError: a file cannot be read.
    """
    endpoint = parse_url(url)
    if endpoint.bind_mode is BindMode.RECEIVER:
        raise InvalidUrl("a receiver sends nothing; expected bind=tx or bind=trx in the URL")
    password = find_password(url, password_file)
    if password is not None:
        endpoint = replace(endpoint, password=password)
    client = replace(configure(config.client, endpoint), server_hostname=server_name or None)
    if window is not None:
        client = replace(client, session=replace(client.session, window=window))
    endpoints = [endpoint, *(_another(other) for other in others)]
    for each in endpoints:
        # What cannot be sent is known before anything is tried.
        encode(BindTransceiver(each.system_id, each.password, client.system_type), 1)
    secure = next((each for each in endpoints if each.tls), None)
    first = f"{'smpps' if endpoint.tls else 'smpp'}://{endpoint.name}"
    return Target(
        endpoint,
        (first, *others),
        replace(config, client=client, bind_mode=endpoint.bind_mode),
        tls_of(secure, ca_file) if secure is not None else None,
    )


def _another(url: str) -> Endpoint:
    endpoint = Endpoint.parse(url)
    if endpoint.options or endpoint.bind_mode is not BindMode.TRANSCEIVER:
        raise InvalidUrl(f"--server {endpoint.name} has settings of its own; expected them in the first URL only")
    return endpoint


class FirstBind:
    """Waits until a bind is up, or until none could be brought up at the first try."""

    def __init__(self) -> None:
        self._failed: dict[str, str] = {}
        self._change = asyncio.Event()
        self._is_up = False

    def changed(self, status: BindStatus) -> None:
        """A bind moved to another state: a pool's `on_change`."""
        if status.state is BindState.BOUND:
            self._is_up = True
        elif status.state is BindState.WAITING:
            self._failed[status.name] = status.last_error
        self._change.set()

    async def wait(self, pool: Pool, stopping: asyncio.Event) -> bool:
        """Whether a bind is up; False where the user wanted to stop before.

        Raises:
            ConnectionLost: all binds were refused or not connected.
        """
        stop = asyncio.ensure_future(stopping.wait())
        try:
            while not self._is_up:
                if stopping.is_set():
                    return False
                if len(self._failed) >= len(pool.binds):
                    raise ConnectionLost("; ".join(sorted(set(self._failed.values()))))
                self._change.clear()
                change = asyncio.ensure_future(self._change.wait())
                await asyncio.wait((change, stop), return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
            return True
        finally:
            stop.cancel()


class OwnReceipts(ReceiptDesk, Generic[Context]):
    """Takes the receipts of what this run sent, and leaves all others to the SMSC for whom they are meant.

    A receipt that comes before its response (over another bind, say) has to wait for its answer until that is there. If
    it waits too long, or too many do, it is left to the SMSC, and given out when the response is there; the SMSC brings
    it again, which changes nothing: what comes behind the final receipt of a part is not given out.

    Args:
        on_accepted: told which message the SMSC took, and its id; gives what receipts with this id are about, or None
            where none are expected.
        on_receipt: gets the context of a part, and a receipt for it.
        id_rule: how ids compare.
        default_alphabet: what data_coding 0 means.
    """

    def __init__(
        self,
        on_accepted: Callable[[Request, str], Context | None],
        on_receipt: Callable[[Context, Receipt], None],
        *,
        id_rule: IdRule = IdRule.AUTO,
        default_alphabet: str = "gsm",
    ) -> None:
        super().__init__(default_alphabet=default_alphabet)
        self._on_accepted = on_accepted
        self._on_receipt = on_receipt
        self._own: Correlator[Context, Receipt] = Correlator(id_rule=id_rule)
        self._own_expire_at = 0.0
        self._held: dict[int, asyncio.Future[CommandStatus]] = {}
        """Answers that wait for a response, by the identity of the receipt, which the correlator keeps alive."""

    def accepted(self, message: Request, response: Response, bind: str, now: float) -> Submission:
        """The SMSC took a part: its receipts are ours."""
        message_id = getattr(response, "message_id", None) or ""
        destination = getattr(message, "destination_addr", "")
        submission = Submission(message_id, destination, response, bind)
        context = self._on_accepted(message, message_id)
        if context is not None:
            self.expect(message_id, destination, context, now)
        return submission

    def expect(self, message_id: str, destination: str, context: Context, now: float) -> None:
        """Receipts with this id are ours."""
        self._tidy(now)
        for match in self._own.submitted(message_id, destination, context, now):
            self._answer(id(match.receipt), CommandStatus.ESME_ROK)
            if not match.is_late:
                self._on_receipt(match.context, match.receipt)

    def take(self, message: DeliverSm | DataSm, receipt: Receipt) -> CommandStatus | Awaitable[CommandStatus]:
        """A receipt came; the status to answer it with, at once or later."""
        status = self.receive(message, receipt)
        if not status or not receipt.id or len(self._held) >= _MOST_HELD:
            return status
        loop = asyncio.get_running_loop()
        held = self._held[id(receipt)] = loop.create_future()
        loop.call_later(_HELD_SECONDS, self._answer, id(receipt), CommandStatus.ESME_RX_T_APPN)
        return held

    def _answer(self, receipt: int, status: CommandStatus) -> None:
        held = self._held.pop(receipt, None)
        if held is not None and not held.done():
            held.set_result(status)

    def receive(self, message: DeliverSm | DataSm, receipt: Receipt) -> CommandStatus:
        """A receipt came; the status to answer it with."""
        now = asyncio.get_running_loop().time()
        self._tidy(now)
        if not receipt.id:
            return CommandStatus.ESME_RX_T_APPN
        match = self._own.receipt(
            receipt.id,
            message.source_addr,
            receipt,
            now,
            is_final=receipt.is_final,
            other_address=message.destination_addr,
        )
        if match is None:
            return CommandStatus.ESME_RX_T_APPN
        if not match.is_late:
            self._on_receipt(match.context, match.receipt)
        return CommandStatus.ESME_ROK

    def _tidy(self, now: float) -> None:
        if now < self._own_expire_at:
            return
        self._own_expire_at = now + _EXPIRE_EVERY_SECONDS
        if self._own.next_timer() <= now:
            for ended in self._own.expire(now):
                # A receipt whose part was found on second thought; what was given up has no reader here.
                if hasattr(ended, "context") and hasattr(ended, "receipt"):
                    self._on_receipt(ended.context, ended.receipt)


@contextmanager
def quiet_log() -> Iterator[None]:
    """What happens to the binds is shown by the tool: no lines of the library's log between."""
    logger = logging.getLogger("smpp")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


async def stop_with(pool: Pool, asked: asyncio.Event) -> Any:
    """Stop a pool in order as soon as the user asks for it."""
    await asked.wait()
    await pool.stop()
