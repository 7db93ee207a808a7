"""Customers bind to us: who they are, what they may, and what each request is answered with.

submit_sm, submit_multi and data_sm are answered after the commit; query_sm, cancel_sm and replace_sm from the store.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from gateway.accounts import Accounts
from gateway.config import Config, SmppConfig
from gateway.errors import InvalidMessage, NotWaiting, StoreError, Unauthorized
from gateway.http import ListenError
from gateway.metrics import Metrics
from gateway.models import Message, NewMessage, State
from gateway.policy import SMPP
from gateway.shares import Share, ShareOf
from gateway.smsc.binds import SharedBinds
from gateway.smsc.deliveries import Deliveries
from gateway.smsc.limits import limits_of, max_binds
from gateway.smsc.origin import read_origin
from gateway.smsc.requests import Customer, Submit, amended, message_of, messages_of
from gateway.smsc.statuses import STATES, refusal_status, store_status
from gateway.store import Store
from gateway.store.base import NotOurs
from smpp import Grant, Reject, Role, Server, ServerConfig, ServerSession, SessionConfig, serve, server_tls
from smpp.listener import is_within
from smpp.status import CommandStatus as Status
from smpp.status import status_name
from smpp.wire.pdu import (
    Bind,
    BindReceiver,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from smpp.wire.time import format_absolute
from smpp.wire.types import UnsuccessSme

log = structlog.get_logger(__name__)

CANCEL_LIMIT: Final = 1_000
"""Messages to one destination that one cancel_sm without an id withdraws."""
LAST_SECONDS: Final = 0.5
"""However late it is, other nodes are told that the binds here are gone."""


class Intake(Protocol):
    """Takes messages; `gateway.intake.Intake` is one."""

    async def accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = ()
    ) -> Sequence[Message | InvalidMessage]:
        """Keep messages; item by item what it became.

        Raises:
            StoreError: nothing was kept.
        """

    async def cancel(self, account: str, message_id: str) -> Message:
        """Withdraw a message; raises NotWaiting, StoreError."""

    async def amend(self, account: str, message_id: str, change: Callable[[Message], Message]) -> Message:
        """Put another in its place; raises NotWaiting, InvalidMessage, StoreError."""


class SmppDoor:
    """Listeners for customers who bind."""

    def __init__(
        self,
        config: Config,
        *,
        accounts: Accounts,
        intake: Intake,
        store: Store,
        deliveries: Deliveries,
        metrics: Metrics,
        share_of: ShareOf = lambda _limit: Share(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put it together.

        Args:
            deliveries: gets the binds that can receive.
            share_of: this node's share of a customer's pace.
        """
        self._config = config.smpp
        self._accounts = accounts
        self._intake = intake
        self._store = store
        self._deliveries = deliveries
        self._metrics = metrics
        self._clock = clock
        self._share_of = share_of
        self._limits = limits_of(config, share_of)
        self._server: Server | None = None
        self._bound_sessions: set[ServerSession] = set()
        self._binds = SharedBinds(store, config.node.name, _unbind)
        self._binds.limits = max_binds(self._limits)

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of each listener: plain, TLS."""
        return self._server.ports if self._server is not None else ()

    # --- life ---

    async def start(self) -> None:
        """Listen, where the config says so.

        Raises:
            ListenError: an address cannot be had, or a certificate not be read.
        """
        config = self._config
        urls = [f"smpp://{config.listen}"] if config.listen else []
        urls += [f"smpps://{config.tls_listen}"] if config.tls_listen else []
        if not urls:
            return
        server = serve(
            *urls,
            authenticate=self._authenticate,
            handlers={
                SubmitSm: self._submit,
                SubmitMulti: self._submit_multi,
                DataSm: self._data,
                QuerySm: self._query,
                CancelSm: self._cancel,
                ReplaceSm: self._replace,
            },
            config=self._server_config(),
            ssl_context=_tls(config) if config.tls_listen else None,
            on_bound=self._bound,
            on_closed=self._closed,
            on_room=self._room,
        )
        try:
            await server.start()
        except OSError as error:
            await server.stop(0)
            raise ListenError(f"cannot listen on {', '.join(urls)}: {error.strerror or error}") from error
        self._server = server

    async def reconfigure(self, config: Config) -> None:
        """Go by other customers' settings from now on; the binds of those that are gone, or have another password, end.

        What the listeners themselves are told stays as it was at the start.
        """
        old, new = self._limits, limits_of(config, self._share_of)
        for system_id, limits in new.items():
            if system_id in old and old[system_id].customer == limits.customer:
                # Its bucket is as full as it was.
                new[system_id] = old[system_id]
        # A bind that ends is still asked whose it was.
        self._limits = {**old, **new}
        self._binds.limits = max_binds(new)
        ended = {
            system_id
            for system_id, limits in old.items()
            if system_id not in new or new[system_id].customer.settings.password != limits.customer.settings.password
        }
        sessions = [session for session in self._bound_sessions if session.system_id in ended]
        await _unbind(sessions)
        if self._limits.keys() != new.keys() and not any(one.system_id in ended for one in self._bound_sessions):
            self._limits = new

    async def stop(self, deadline_seconds: float) -> None:
        """Take nothing more, answer what was asked, unbind, close."""
        await self._deliveries.hold()
        deadline = asyncio.get_running_loop().time() + deadline_seconds
        if self._server is not None:
            await self._server.stop(deadline_seconds)
        await self._binds.stop(max(LAST_SECONDS, deadline - asyncio.get_running_loop().time()))

    async def check_binds(self) -> None:
        """See that other nodes know of the binds here; to be done with each renewal of the lease.

        Raises:
            StoreError: the store cannot be read.
        """
        await self._binds.check()

    def _server_config(self) -> ServerConfig:
        config = self._config
        windows = [limits.customer.settings for limits in self._limits.values()]
        return ServerConfig(
            session=SessionConfig(
                role=Role.SMSC,
                window=max((one.deliver_window for one in windows), default=1),
                # One more than any account may have: it is answered that it has too many.
                inbound_window=max((one.window for one in windows), default=1) + 1,
                response_timeout_seconds=config.response_timeout_seconds,
                enquire_link_seconds=config.enquire_link_seconds,
                inactivity_seconds=config.inactivity_seconds,
                session_init_seconds=config.bind_seconds,
            ),
            proxy_from=config.proxy_from,
            max_connections=config.max_connections,
            max_unbound_per_address=config.max_unbound_per_address,
        )

    # --- binds ---

    def _authenticate(self, session: ServerSession, bind: Bind) -> Grant | Awaitable[Grant | None] | None:
        try:
            account = self._accounts.by_system_id(bind.system_id, bind.password)
        except Unauthorized:
            return None
        settings = self._limits[bind.system_id].customer.settings
        if not isinstance(bind, BindReceiver) and not account.may("send"):
            raise Reject(Status.ESME_RBINDFAIL, f"account {account.name} may not send")
        grant = Grant(self._config.system_id, settings.max_binds, allow_from=settings.allowed_addresses)
        is_refused = grant.allow_from and not is_within(session.visit.address, grant.allowed_networks)
        if is_refused or not self._store.is_shared:
            return grant
        return self._count_bind(account.name, session, bind, replace(grant, max_binds=0))

    async def _count_bind(self, account: str, session: ServerSession, bind: Bind, grant: Grant) -> Grant | None:
        """Grant a bind for which the account has a place, whichever nodes its others are on."""
        try:
            has_place = await self._binds.take(account, session)
        except StoreError as error:
            # Nor could anything be accepted over it; it is a system error, so that the customer tries again.
            raise Reject(Status.ESME_RSYSERR, str(error)) from error
        if not has_place:
            raise Reject(Status.ESME_RALYBND, "too many binds")
        if not self._is_known(bind):
            # Its account was changed or taken away meanwhile.
            self._binds.leave(session)
            return None
        return grant

    def _is_known(self, bind: Bind) -> bool:
        try:
            self._accounts.by_system_id(bind.system_id, bind.password)
        except Unauthorized:
            return False
        return bind.system_id in self._limits

    def _bound(self, session: ServerSession) -> None:
        account = self._account(session)
        self._bound_sessions.add(session)
        self._metrics.customer_binds.labels(account).inc()
        if session.bind_mode is not None and session.bind_mode.can_receive:
            self._deliveries.bound(account, session)

    def _closed(self, session: ServerSession, _reason: str) -> None:
        self._binds.leave(session)
        if session in self._bound_sessions:
            self._bound_sessions.discard(session)
            account = self._account(session)
            self._metrics.customer_binds.labels(account).dec()
            self._deliveries.closed(account, session)

    def _room(self, session: ServerSession) -> None:
        if session in self._bound_sessions:
            self._deliveries.has_room(self._account(session))

    def _account(self, session: ServerSession) -> str:
        return self._limits[session.system_id].customer.account

    # --- sending ---

    def _check(self, session: ServerSession, request: Submit) -> Customer:
        limits = self._limits[session.system_id]
        try:
            limits.check(session, request, time.monotonic())
        except Reject as refusal:
            self._count(refusal.command_status)
            raise
        return limits.customer

    def _count(self, status: int) -> None:
        self._metrics.smpp_refused.labels(status_name(status)).inc()

    async def _submit(self, session: ServerSession, request: SubmitSm) -> SubmitSmResp:
        return SubmitSmResp(await self._accept_one(session, request))

    async def _data(self, session: ServerSession, request: DataSm) -> DataSmResp:
        return DataSmResp(await self._accept_one(session, request))

    async def _accept_one(self, session: ServerSession, request: SubmitSm | DataSm) -> str:
        customer = self._check(session, request)
        try:
            (outcome,) = await self._accept([message_of(request, customer, self._clock())])
        except Reject as refusal:
            self._count(refusal.command_status)
            raise
        if isinstance(outcome, InvalidMessage):
            status = refusal_status(outcome)
            self._count(status)
            raise Reject(status, outcome.message)
        return outcome.id

    async def _submit_multi(self, session: ServerSession, request: SubmitMulti) -> SubmitMultiResp:
        customer = self._check(session, request)
        now = self._clock()
        message_id = self._store.ids.new(now)
        try:
            messages = messages_of(request, customer, message_id, now)
            outcomes = await self._accept(messages, ids=(message_id,))
        except Reject as refusal:
            self._count(refusal.command_status)
            raise
        failed = []
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, InvalidMessage):
                ton, npi, address = read_origin(message.origin).destination
                failed.append(UnsuccessSme(ton, npi, address, refusal_status(outcome)))
                self._count(refusal_status(outcome))
        return SubmitMultiResp(message_id, tuple(failed))

    async def _accept(
        self, messages: Sequence[NewMessage], *, ids: Sequence[str] = ()
    ) -> Sequence[Message | InvalidMessage]:
        try:
            return await self._intake.accept(messages, ids=ids)
        except StoreError as error:
            raise Reject(store_status(error), str(error)) from error

    # --- what became of it ---

    async def _query(self, session: ServerSession, request: QuerySm) -> QuerySmResp:
        try:
            message = await self._store.message(self._account(session), request.message_id)
        except StoreError as error:
            raise Reject(store_status(error), str(error)) from error
        if message is None:
            raise Reject(Status.ESME_RINVMSGID)
        if not _is_from(message, request.source_addr):
            raise Reject(Status.ESME_RQUERYFAIL, "another source address")
        final_date = format_absolute(datetime.fromtimestamp(message.updated_at, UTC)) if message.state.is_final else ""
        return QuerySmResp(request.message_id, final_date, STATES[message.state], 0)

    async def _cancel(self, session: ServerSession, request: CancelSm) -> CancelSmResp:
        account = self._account(session)
        failure = Status.ESME_RCANCELFAIL
        try:
            if not request.message_id:
                await self._cancel_to(account, request)
            else:
                await self._check_source(account, request.message_id, request.source_addr, failure)
                await self._intake.cancel(account, request.message_id)
        except NotWaiting as error:
            raise Reject(failure if error.is_known else Status.ESME_RINVMSGID, str(error)) from error
        except NotOurs as error:
            raise Reject(failure, "another node has it") from error
        except StoreError as error:
            raise Reject(store_status(error), str(error)) from error
        return CancelSmResp()

    async def _cancel_to(self, account: str, request: CancelSm) -> None:
        """§4.9.1: without an id, all of a source's messages to a destination."""
        recipient = request.destination_addr.removeprefix("+").removeprefix("00")
        cancelled = 0
        if not request.source_addr or not recipient:
            raise Reject(Status.ESME_RCANCELFAIL, "neither an id nor both addresses")
        for state in (State.QUEUED, State.SCHEDULED):
            found = await self._store.messages(account, state=state, recipient=recipient, limit=CANCEL_LIMIT)
            for message in found:
                if _is_from(message, request.source_addr):
                    try:
                        await self._intake.cancel(account, message.id)
                    except (NotWaiting, NotOurs):
                        continue
                    cancelled += 1
        if not cancelled:
            raise Reject(Status.ESME_RCANCELFAIL, "nothing waits for that destination")

    async def _replace(self, session: ServerSession, request: ReplaceSm) -> ReplaceSmResp:
        account = self._account(session)

        def change(message: Message) -> Message:
            if message.dialect != SMPP or not _is_from(message, request.source_addr):
                raise Reject(Status.ESME_RREPLACEFAIL, "sent through another door or from another source")
            return amended(message, request, self._clock())

        try:
            await self._intake.amend(account, request.message_id, change)
        except NotWaiting as error:
            raise Reject(Status.ESME_RREPLACEFAIL if error.is_known else Status.ESME_RINVMSGID, str(error)) from error
        except InvalidMessage as error:
            raise Reject(refusal_status(error), error.message) from error
        except NotOurs as error:
            raise Reject(Status.ESME_RREPLACEFAIL, "another node has it") from error
        except StoreError as error:
            raise Reject(store_status(error), str(error)) from error
        return ReplaceSmResp()

    async def _check_source(self, account: str, message_id: str, source: str, failure: Status) -> None:
        message = await self._store.message(account, message_id)
        if message is not None and not _is_from(message, source):
            raise Reject(failure, "another source address")


async def _unbind(sessions: Iterable[ServerSession]) -> None:
    await asyncio.gather(*(session.unbind() for session in sessions), return_exceptions=True)


def _is_from(message: Message, source: str) -> bool:
    """Whether a message has this source. §4.8.1: it must be that of the original; one that is NULL fits any."""
    return not source or source in (message.sender, _original_source(message))


def _original_source(message: Message) -> str:
    return read_origin(message.origin).source[2] if message.dialect == SMPP else message.sender


def _tls(config: SmppConfig) -> ssl.SSLContext:
    try:
        return server_tls(config.cert_file, config.key_file or None, config.client_ca_file or None)
    except OSError as error:
        raise ListenError(f"smpp.cert_file {config.cert_file}: {error.strerror or error}") from error
