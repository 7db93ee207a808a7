"""One request on its way to a provider: the uplink's credentials for the app's, our addresses for its callbacks.

look for the app's addresses ──► keep whose they are ──► rewrite ──► HttpCall        a stream: part by part, likewise
answer ──► ids that callbacks will bear are kept ──► the app, without anything that is the uplink's secret
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import quote

import msgspec

from gateway.errors import InvalidMessage, StoreError
from gateway.providers.base import WebAnswer, WebRequest
from gateway.providers.connecting import Connector, HttpCall, HttpReply, Passed
from gateway.providers.forms import TooManyFields, is_web_address
from gateway.services import rewriting
from gateway.services.multipart import Fate, Held, MultipartReader, boundary_of
from gateway.uplinks.rest import RestUplink
from gateway.uplinks.scrubbing import without_credentials

replace = msgspec.structs.replace

WHOLE_ANSWER_OCTETS: Final = 1 << 18
"""An answer of text up to this is read, for the ids that callbacks will bear, and for what is not the app's to see."""
PASSED_HEADERS: Final = ("Accept", "Accept-Language", "X-Client-IP")
RETURNED_HEADERS: Final = ("Content-Disposition", "Retry-After")
_TEXT: Final = ("json", "xml", "text/", "urlencoded")


class Owner(msgspec.Struct, frozen=True):
    """Whose callbacks they are."""

    account: str
    url: str
    dialect: str
    secret: str = ""
    """Sent back as a bearer token: with relays of an earlier version; since then, `webhook` says whose token it is."""
    order: str = ""
    """A service's own order, whose state they tell; then there is no address."""
    asks: tuple[str, ...] = ()
    """The provider waits for what the app says; fields in that which hold further such addresses."""
    others: "tuple[Owner, ...]" = ()
    """Who else is told, where nothing says which of several addresses a callback is for."""
    webhook: str = ""
    """The app's webhook whose token, if it has one, is sent back as a bearer token."""


class Owners(Protocol):
    """Knows and keeps whose callbacks are."""

    async def owner_of(self, account: str, provider: str, value: str) -> Owner:
        """Where an app wants its callbacks.

        Raises:
            InvalidMessage: nothing can be sent there.
        """

    async def keep_owners(self, uplink: str, owners: Iterable[tuple[str, Owner]]) -> None:
        """Keep whose the callbacks are that bear these keys."""

    def relay_address(self, uplink: str, relay_id: str) -> str:
        """Where the provider is to call for it; empty where we cannot be reached."""


class Wanted(msgspec.Struct, frozen=True):
    """An address of the app's."""

    value: str
    is_asked: bool
    """Whether the provider waits for what is said there."""


class _Looking:
    """Finds the app's addresses, changes nothing."""

    def __init__(self, passed: Passed) -> None:
        self._passed = passed
        self.found: dict[Wanted, None] = {}

    def drops(self, name: str) -> bool:
        return False

    def change(self, name: str, value: str) -> str | None:
        if value and name in (*self._passed.callbacks, *self._passed.asking):
            self.found[Wanted(value, name in self._passed.asking)] = None
        elif name in self._passed.embedded:
            rewriting.json_text(value, self)
        return value


class _Changing:
    """Puts our addresses for the app's, and leaves its credentials out."""

    def __init__(self, passed: Passed, credentials: Mapping[str, str], values: Mapping[Wanted, str | None]) -> None:
        self._passed = passed
        self._credentials = credentials
        self._values = values

    def drops(self, name: str) -> bool:
        return name.lower() in self._credentials

    def change(self, name: str, value: str) -> str | None:
        if value and name in (*self._passed.callbacks, *self._passed.asking):
            return self._values[Wanted(value, name in self._passed.asking)]
        if name in self._passed.embedded:
            return rewriting.json_text(value, self)
        return value


class Forwarding:
    """One request.

    Args:
        owners: keeps whose its callbacks are.
        uplink: where it goes.
        passed: which call it is.
    """

    def __init__(self, owners: Owners, uplink: RestUplink, account: str, passed: Passed) -> None:
        self._keeper = owners
        self._uplink = uplink
        self._account = account
        self._passed = passed
        self._values: dict[Wanted, str | None] = {}
        self._owners: list[Owner] = []
        self.fault: InvalidMessage | StoreError | None = None
        """Why a streamed body broke off: the one who sends it hears no more than that it did."""

    @property
    def _connector(self) -> Connector:
        return self._uplink.connector

    async def call(self, request: WebRequest, path: str) -> HttpCall:
        """The request as it leaves; the body of a streamed one is not in it.

        Raises:
            InvalidMessage: an address of the app's cannot be called, or the body cannot be read.
            gateway.errors.StoreError: whose the callbacks are cannot be kept.
        """
        own = {name: value for name, value in self._connector.credential_fields().items() if value}
        is_form = _is_form(request)
        try:
            looking = _Looking(self._passed)
            rewriting.form(request.query, looking, {})
            self._body(request, looking, {})
            await self._settle(looking.found)
            changing = self._changing()
            query = rewriting.form(request.query, changing, {} if is_form else own)
            body = self._body(request, changing, own if is_form else {})
        except TooManyFields as error:
            raise InvalidMessage("too_many_fields", str(error), "body") from None
        except ValueError as error:
            raise InvalidMessage("invalid_body", f"the body cannot be read: {error}", "body") from None
        quoted = quote(path, safe="/+:@,~!$&'()*;=")
        headers = {name: request.headers[name] for name in PASSED_HEADERS if name in request.headers}
        return HttpCall(
            method=request.method,
            path=f"{quoted}?{query.decode('ascii')}" if query else quoted,
            content_type=_content_type(request, is_changed=body != request.body),
            body=body,
            headers=(*headers.items(), *self._connector.credentials()),
        )

    async def stream(self, request: WebRequest, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The body of a streamed request as it leaves; what is wrong with it is `fault` as well.

        Raises:
            InvalidMessage: as `call` does.
            gateway.errors.StoreError: likewise.
        """
        try:
            if request.content_type != rewriting.MULTIPART:
                async for chunk in chunks:
                    yield chunk
                return
            reader = self._reader(request)
            async for chunk in chunks:
                for piece in reader.feed(chunk):
                    if octets := await self._settled(piece):
                        yield octets
            for piece in reader.end():
                if octets := await self._settled(piece):
                    yield octets
        except ValueError as error:
            self.fault = InvalidMessage("invalid_body", f"the body cannot be read: {error}", "body")
            raise self.fault from None
        except (InvalidMessage, StoreError) as error:
            self.fault = error
            raise

    async def _settled(self, piece: bytes | Held) -> bytes:
        if isinstance(piece, bytes):
            return piece
        looking = _Looking(self._passed)
        looking.change(piece.name, piece.value)
        await self._settle(looking.found)
        return piece.written(self._changing().change(piece.name, piece.value))

    async def said_by_app(self, answer: WebAnswer) -> WebAnswer:
        """What an app answered to a provider that waits for it, with our addresses for those in it."""
        looking = _Looking(self._passed)
        try:
            rewriting.json_body(answer.body, looking, {})
            await self._settle(looking.found)
            return replace(answer, body=rewriting.json_body(answer.body, self._changing(), {}))
        except ValueError:
            # Not JSON: the provider's to judge.
            return answer

    async def answer(self, reply: HttpReply, chunks: AsyncIterator[bytes]) -> WebAnswer:
        """The answer as the app gets it; what it says of ids is kept first, for its callbacks."""
        headers = tuple((name, reply.headers[name]) for name in RETURNED_HEADERS if name in reply.headers)
        answer = WebAnswer(
            status=reply.status, content_type=reply.content_type, body=b"", headers=headers, stream=chunks
        )
        if not any(word in reply.content_type for word in _TEXT) or _length(reply) > WHOLE_ANSWER_OCTETS:
            return answer
        body, chunks = await beginning(chunks)
        if len(body) > WHOLE_ANSWER_OCTETS:
            # Longer than it said.
            return replace(answer, stream=chunks)
        if self._owners and "json" in reply.content_type:
            await self._keep_references(self._connector.references(replace(reply, body=body)))
        return replace(answer, body=without_credentials(body, self._uplink.config), stream=None)

    async def _keep_references(self, references: Sequence[str]) -> None:
        keys = [reference_key(one) for one in dict.fromkeys(references)]
        owners = self._owners
        if len(keys) != len(owners):
            # Nothing says which is whose: each hears of all.
            owners = [replace(owners[0], others=tuple(owners[1:]))] * len(keys)
        if keys:
            await self._keeper.keep_owners(self._uplink.name, zip(keys, owners, strict=True))

    # --- helpers ---

    async def _settle(self, wanted: Iterable[Wanted]) -> None:
        """Keep whose these addresses are, and what stands in their place."""
        kept: list[tuple[str, Owner]] = []
        for one in wanted:
            if one in self._values:
                continue
            owner = await self._keeper.owner_of(self._account, self._uplink.kind, one.value)
            relay_id = secrets.token_hex(16)
            address = self._keeper.relay_address(self._uplink.name, relay_id)
            if not address and is_web_address(one.value):
                # Nobody can call us: the provider calls the app itself.
                self._values[one] = one.value
                continue
            self._values[one] = self._connector.callback_value(address) or None
            owner = replace(owner, asks=self._passed.asking) if one.is_asked else owner
            kept.append((relay_id, owner))
            if not one.is_asked:
                self._owners.append(owner)
        if kept:
            await self._keeper.keep_owners(self._uplink.name, kept)

    def _changing(self) -> _Changing:
        return _Changing(self._passed, self._connector.credential_fields(), self._values)

    def _body(self, request: WebRequest, changes: rewriting.Changes, own: Mapping[str, str]) -> bytes:
        if not request.body:
            return request.body
        if request.content_type == rewriting.MULTIPART:
            reader = self._reader(request)
            pieces = [*reader.feed(request.body), *reader.end()]
            return b"".join(
                piece if isinstance(piece, bytes) else piece.written(changes.change(piece.name, piece.value))
                for piece in pieces
            )
        if _is_json(request):
            return rewriting.json_body(request.body, changes, own)
        if _is_form(request):
            return rewriting.form(request.body, changes, own)
        return request.body

    def _reader(self, request: WebRequest) -> MultipartReader:
        dropped = tuple(self._connector.credential_fields())
        held = (*self._passed.callbacks, *self._passed.asking, *self._passed.embedded)

        def fate(name: str) -> Fate:
            if name in dropped:
                return Fate.DROP
            return Fate.HOLD if name in held else Fate.PASS

        return MultipartReader(boundary_of(request.headers.get("Content-Type", "")), fate)


def _is_json(request: WebRequest) -> bool:
    """Whether a body is read as JSON: some samples send it and call it a form, or nothing."""
    if request.content_type.endswith("json"):
        return True
    return request.content_type in ("", rewriting.FORM, "text/plain") and request.body.lstrip()[:1] == b"{"


def _is_form(request: WebRequest) -> bool:
    """Whether the uplink's credentials go into the body, as the app's own did."""
    return bool(request.body) and (_is_json(request) or request.content_type in ("", rewriting.FORM, "text/plain"))


def _content_type(request: WebRequest, *, is_changed: bool) -> str:
    """With its boundary, where it has one; what we wrote says what it is."""
    if is_changed and request.content_type in ("", "text/plain"):
        return "application/json" if _is_json(request) else rewriting.FORM
    return request.headers.get("Content-Type", request.content_type)


def reference_key(reference: str) -> str:
    """What a relay is kept under that is found by an id of the provider's."""
    return f"ref.{reference}"


async def beginning(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """As much of an answer as is looked at, more than `WHOLE_ANSWER_OCTETS` where it goes on; and all of it."""
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) > WHOLE_ANSWER_OCTETS:
            break
    return body, _joined(body, chunks)


async def _joined(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for chunk in chunks:
            yield chunk
    finally:
        await discard(chunks)


async def discard(chunks: AsyncIterator[bytes]) -> None:
    """Read no further."""
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()


def _length(reply: HttpReply) -> int:
    written = reply.headers.get("Content-Length", "")
    return int(written) if written.isascii() and written.isdigit() else 0
