"""What a provider offers beyond what we serve: its calls handed on with our credentials, its callbacks handed back.

    app ──dialect──► forward ──(uplink's credentials, our addresses for callbacks)──► provider
    app ◄──Callback── relay ◄──/callbacks/{uplink}/{token}/{relay}───────────────────────┘

Whose a callback is, is kept before the request that names its address leaves.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, Protocol

import msgspec
import structlog

from gateway.errors import InvalidMessage, StoreError
from gateway.models import Callback
from gateway.networks import Network, check_url
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.connecting import Passed
from gateway.providers.forms import is_web_address
from gateway.providers.ports import Directory, NoAnswer, NotOffered
from gateway.providers.seams import ChannelStates
from gateway.sealing import SealBroken, Sealer
from gateway.services.asking import AppClient
from gateway.services.forwarding import Forwarding, Owner, beginning, discard, reference_key
from gateway.store import Record, Store
from gateway.store.records import RecordKey
from gateway.tasks import cancel_all
from gateway.uplinks.addresses import CallbackAddresses
from gateway.uplinks.rest import RestUplink
from gateway.uplinks.rest_http import NoReply
from gateway.webhooks import BEARER

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

KIND: Final = "relay"
LIFETIME_SECONDS: Final = 14 * 86_400.0
"""How long callbacks of a passed-on request are handed back."""
SWEEP_SECONDS: Final = 600.0
SWEEP_BATCH: Final = 200
RELAY_TRIES: Final = 20
TAKEN: Final = WebAnswer(status=200, content_type="", body=b"")
SAYS_NOTHING: Final = WebAnswer(status=502, content_type="", body=b"")
"""The app that a provider waits for did not answer."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Owner).decode


class Uplinks(Protocol):
    """The uplinks to providers that there are now."""

    def __call__(self) -> Iterable[RestUplink]:
        """In the order of the config."""


class PassThroughService:
    """Hands on and hands back (gateway.providers.ports.PassThrough, gateway.web.callbacks.Relay).

    Args:
        uplinks: those there are now.
        exempt: private networks that callbacks may go to.
        on_callbacks: called after a commit that owes callbacks.
        sealer: seals where apps want to be called, which may hold their tokens; None: it is kept in clear.
    """

    def __init__(
        self,
        uplinks: Uplinks,
        store: Store,
        addresses: CallbackAddresses,
        *,
        exempt: Sequence[Network] = (),
        on_callbacks: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        sealer: Sealer | None = None,
    ) -> None:
        self._sealer = sealer
        self._uplinks = uplinks
        self._store = store
        self._addresses = addresses
        self._exempt = exempt
        self._apps = AppClient(exempt)
        self.directory: Directory | None = None
        """Knows the webhooks that accounts have registered here, for providers whose calls name webhooks."""
        self.states: Sequence[ChannelStates] = ()
        """Hear what became of services' orders."""
        self._on_callbacks = on_callbacks
        self._clock = clock
        self._sweeper: asyncio.Task[None] | None = None

    def reconfigure(self, exempt: Sequence[Network]) -> None:
        """Let callbacks go to these private networks, from now on."""
        self._exempt = exempt
        self._apps.reconfigure(exempt)

    # --- handing on ---

    def is_offered(self, account: str, provider: str) -> bool:
        """Whether there is an uplink of this provider that this account may use so."""
        return self._find(account, provider) is not None

    async def forward(
        self, account: str, provider: str, request: WebRequest, *, path: str, uplink: str = ""
    ) -> WebAnswer:
        """The provider's own answer.

        Args:
            path: below the provider's base URL.
            uplink: the one that it has to go by; empty: any that leads there.

        Raises:
            NotOffered: no uplink of this provider is configured, or it lets this account or this call not through.
            NoAnswer: the provider cannot be reached, or did not answer.
            gateway.errors.InvalidMessage: the address for callbacks is not one, or the body cannot be read.
            gateway.errors.StoreError: whose the callbacks are cannot be kept now; nothing was passed on.
        """
        way = self._find(account, provider, uplink)
        if way is None:
            raise NotOffered(f"no uplink to {provider} is configured for this account")
        passed = _call_of(way.connector.passed, request.method, path)
        if passed is None:
            raise NotOffered(f"{request.method} {path} is not a call that is passed on to {provider}")
        limit = way.config.pass_through_limit_bytes
        if len(request.body) > limit:
            raise InvalidMessage("body_too_large", f"at most {limit} octets are passed on", "body")
        forwarding = Forwarding(self, way, account, passed)
        call = await forwarding.call(request, path)
        body = forwarding.stream(request, _limited(request.stream, limit)) if request.stream is not None else None
        try:
            reply, chunks = await way.stream(call, body, limit=limit)
            if reply.status in (401, 403):
                whole = chunks
                said, chunks = await beginning(whole)
                if way.connector.result(replace(reply, body=said)).is_fault:
                    # It is us whom the provider refuses, not the app.
                    await discard(whole)
                    log.warning("provider refuses our credentials", uplink=way.name, status=reply.status)
                    raise NotOffered(f"{provider} refuses the credentials of this gateway")
            return await forwarding.answer(reply, chunks)
        except NoReply as error:
            if forwarding.fault is not None:
                raise forwarding.fault from None
            raise NoAnswer(f"{provider}: {error}") from error

    def _find(self, account: str, provider: str, name: str = "") -> RestUplink | None:
        offered = (uplink for uplink in self.offered(account) if name in ("", uplink.name))
        return next((uplink for uplink in offered if uplink.kind == provider), None)

    def offered(self, account: str) -> Iterator[RestUplink]:
        """The uplinks that an account may use for more than messages."""
        for uplink in self._uplinks():
            config = uplink.config
            if config.pass_through and (not config.pass_through_accounts or account in config.pass_through_accounts):
                yield uplink

    # --- whose callbacks are ---

    async def owner_of(self, account: str, provider: str, value: str) -> Owner:
        """Where an app wants its callbacks: an address, or the id of a webhook that it has registered here.

        Raises:
            InvalidMessage: it is neither, or nothing may be sent there.
        """
        webhook = ""
        if not is_web_address(value) and self.directory is not None:
            # Apps know a webhook by the UUID that is its name here.
            for entry in await self.directory.by_name(account, "webhook", value):
                value = str(entry.fields.get("uri", ""))
                webhook = entry.name
        check_url(value, self._exempt)
        return Owner(account, value, provider, webhook=webhook)

    async def keep_owner(self, uplink: str, owner: Owner, keys: Sequence[str]) -> None:
        """Keep whose the callbacks are that bear one of these keys."""
        await self.keep_owners(uplink, [(key, owner) for key in keys])

    async def keep_owners(self, uplink: str, owners: Iterable[tuple[str, Owner]]) -> None:
        """Keep whose the callbacks are that bear these keys."""
        now = self._clock()
        await self._store.put_records(
            [
                Record(
                    kind=KIND,
                    account=uplink,
                    key=key,
                    value=self._written(_encode(owner), (KIND, uplink, key)),
                    due_at=now + LIFETIME_SECONDS,
                    created_at=now,
                    updated_at=now,
                )
                for key, owner in owners
            ]
        )

    def _written(self, value: bytes, name: RecordKey) -> bytes:
        return value if self._sealer is None else self._sealer.seal_value(value, name)

    def _owner(self, record: Record) -> Owner:
        try:
            value = record.value if self._sealer is None else self._sealer.open_value(record.value, record.name)
        except SealBroken as error:
            # The provider comes again; perhaps the key is known by then.
            raise StoreError(str(error)) from None
        return _decode(value)

    def relay_address(self, uplink: str, relay_id: str) -> str:
        """Where the provider is to call for it; empty where we cannot be reached."""
        return self._addresses.address(uplink, relay=relay_id)

    # --- handing back ---

    async def relay(self, uplink: str, relay_id: str, request: WebRequest) -> WebAnswer | None:
        """Owe an app a provider's request as it came; how it is answered, None where it is nobody's.

        What a provider waits for is asked of the app at once: then the answer is the app's own.
        """
        for _ in range(RELAY_TRIES):
            record = await self._store.find_record(KIND, uplink, relay_id)
            if record is None:
                return None
            now = self._clock()
            owner = self._owner(record)
            if owner.order:
                await self._tell_state(uplink, owner.order, request)
                return TAKEN
            if owner.asks:
                return await self._asked(uplink, owner, request)
            owed = tuple(_callback(self._store.ids.new(now), one, request, now) for one in (owner, *owner.others))
            if all(await self._store.put_records([replace(record, updated_at=now, callbacks=owed)])):
                self._on_callbacks()
                return TAKEN
        raise StoreError("too many callbacks of one request at once")

    async def relay_by_reference(self, uplink: str, reference: str, request: WebRequest) -> WebAnswer | None:
        """The same for one that bears an id of the answer to the passed-on request."""
        return await self.relay(uplink, reference_key(reference), request) if reference else None

    async def _asked(self, name: str, owner: Owner, request: WebRequest) -> WebAnswer:
        secret = await self._secret_of(owner)
        answer = await self._apps.ask(_address(owner.url, request), request, secret=secret)
        if answer is None:
            log.warning("an app says nothing to what a provider asks", uplink=name, account=owner.account)
            return SAYS_NOTHING
        uplink = next((uplink for uplink in self._uplinks() if uplink.name == name), None)
        if uplink is None:
            return answer
        passed = Passed("", "", asking=owner.asks)
        return await Forwarding(self, uplink, owner.account, passed).said_by_app(answer)

    async def _secret_of(self, owner: Owner) -> str:
        if not owner.webhook or self.directory is None:
            return owner.secret
        entries = await self.directory.recall(owner.account, "webhook", owner.webhook)
        return str(entries[0].fields.get("secret") or "") if entries else ""

    async def _tell_state(self, name: str, order: str, request: WebRequest) -> None:
        uplink = next((uplink for uplink in self._uplinks() if uplink.name == name), None)
        state = uplink.connector.reach.channel_state(request) if uplink is not None else None
        if state is not None:
            for one in self.states:
                await one.on_channel_state(order, state)

    # --- life ---

    def start(self) -> None:
        """Begin to forget what is too old."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Forget nothing more, ask nobody more."""
        await self._apps.close()
        if self._sweeper is not None:
            await cancel_all([self._sweeper])

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                while await self.sweep():
                    pass
            except StoreError as error:
                log.warning("old relays cannot be dropped", error=str(error))
            except Exception:
                log.exception("dropping old relays was interrupted")
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> bool:
        """Forget whose the callbacks are of requests long past; whether there are more."""
        old = await self._store.due_records(KIND, self._clock(), limit=SWEEP_BATCH)
        for record in old:
            await self._store.drop_records(KIND, record.account, [record.key])
        return len(old) == SWEEP_BATCH


def _call_of(calls: Sequence[Passed], method: str, path: str) -> Passed | None:
    segments = path.split("/")
    if "." in segments or ".." in segments or "\\" in path:
        return None
    for call in calls:
        if call.method == method and _pattern(call.path).fullmatch(path):
            return call
    return None


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    """A path with braces for what varies."""
    pieces = re.split(r"\{[^}]*\}", template)
    return re.compile("[^/]+".join(re.escape(piece) for piece in pieces))


def _callback(identifier: str, owner: Owner, request: WebRequest, now: float) -> Callback:
    headers: tuple[tuple[str, str], ...] = ()
    if owner.webhook:
        # Its token is looked up when the callback leaves, and kept nowhere else.
        headers = ((BEARER, owner.webhook),)
    elif owner.secret:
        headers = (("Authorization", f"Bearer {owner.secret}"),)
    return Callback(
        id=identifier,
        account=owner.account,
        url=_address(owner.url, request),
        method=request.method,
        content_type=request.headers.get("Content-Type", request.content_type),
        body=request.body,
        headers=headers,
        dialect=owner.dialect,
        created_at=now,
        due_at=now,
    )


def _address(url: str, request: WebRequest) -> str:
    """Where an app is called, with what the provider's query says where that is all it says."""
    query = request.query.decode("latin-1")
    if not query or request.method not in ("GET", "DELETE"):
        return url
    address, mark, fragment = url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{query}{mark}{fragment}"


async def _limited(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise InvalidMessage("body_too_large", f"at most {limit} octets are passed on", "body")
        yield chunk
