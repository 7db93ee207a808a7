"""Delivers callbacks: rows with a due time, tried until they are acknowledged or 36 hours old.

    store ──due, fairly by host──► POST ──2xx──► acknowledged together, in one commit
                                     └──else──► due again later, or failed and kept

A host that fails again and again is left alone for a while, then tried with one request; others do not notice.
"""

import asyncio
import base64
import hashlib
import hmac
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import structlog

from gateway.config import Secret, WebhooksConfig
from gateway.errors import InvalidMessage, StoreError
from gateway.metrics import Metrics
from gateway.models import Callback
from gateway.networks import check_url, parse_networks
from gateway.outgoing import CheckedResolver
from gateway.posting import PostClient
from gateway.providers.base import DEFAULT_RULES, CallbackRules
from gateway.reports import bookkeeping
from gateway.store import Store
from gateway.store.base import SWEEP_LIMIT, callback_host
from gateway.tasks import cancel_all

__all__ = ["WebhookDispatcher", "bookkeeping", "sign"]

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

IDLE_SECONDS: Final = 5.0
"""The longest pause between looks at the store; a wake-up comes with every new callback."""
STORE_PAUSE_SECONDS: Final = 0.2
STORE_PAUSE_MAX_SECONDS: Final = 5.0
GIVE_UP_EVERY_SECONDS: Final = 60.0
JITTER: Final = 0.25
HOSTS_KEPT: Final = 10_000
"""Of how many hosts it is remembered how well they answer."""
FIRST_PLACES: Final = 2
"""Requests that a host may have at a time before it has answered any: hosts that hang must not take all there are."""
BEARER: Final = ":bearer"
"""A header of a callback that is none: it names the webhook whose token goes with it."""
_BASE64_MARK: Final = "whsec_"


@dataclass(slots=True)
class Answer:
    """How a try ended."""

    is_acknowledged: bool
    error: str = ""
    """For people; never with the URL or the body, which may carry secrets."""
    status: int = 0
    """Of HTTP; 0 where nothing was answered."""


TO_COMPOSE: Final = ":compose"
"""Likewise: the webhook by which the request is completed."""
Complete = Callable[[Callback, str], Awaitable[Callback]]
"""A callback with what its webhook says, as it leaves."""
BearerOf = Callable[[str, str], Awaitable[str]]
"""The token of an account's webhook; empty where it has none."""


class Poster(Protocol):
    """Makes one try."""

    async def post(self, callback: Callback, headers: Mapping[str, str]) -> Answer:
        """Send a callback; never raises but when cancelled."""

    async def close(self) -> None:
        """Close what is open."""


@dataclass(slots=True)
class Host:
    """What is known of a host while callbacks are on their way to it or it is left alone."""

    in_flight: int = 0
    failures: int = 0
    """In a row."""
    closed_until: float = 0.0
    places: int = FIRST_PLACES
    """How many requests it may have at a time: each that it acknowledges earns it one more."""

    def is_busy(self, now: float, limit: int, failures_allowed: int) -> bool:
        """Whether it gets no further request now."""
        if self.failures >= failures_allowed:
            return now < self.closed_until or self.in_flight > 0
        return self.in_flight >= min(limit, self.places)


class WebhookDispatcher:
    """Delivers what the store says is due."""

    def __init__(
        self,
        store: Store,
        config: WebhooksConfig,
        signing_secrets: Mapping[str, Secret],
        *,
        metrics: Metrics,
        rules: Mapping[str, CallbackRules] | None = None,
        dialect_keys: Mapping[tuple[str, str], Secret] | None = None,
        bearer_of: BearerOf | None = None,
        complete: Complete | None = None,
        poster: Poster | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put a dispatcher together.

        Args:
            signing_secrets: by account; native callbacks of the others go unsigned.
            rules: what the dialects' documents say of callbacks, by dialect.
            dialect_keys: what signs the callbacks of an account and dialect, where its rules name a header.
            bearer_of: the bearer token of an account's webhook, where a callback names one.
            complete: completes a callback that names a webhook for that; what it makes is sent, and not kept.
            poster: makes the tries; by default over HTTP.
        """
        self._complete = complete
        self._store = store
        self._config = config
        self._secrets = {name: _secret_bytes(secret) for name, secret in signing_secrets.items() if secret}
        self._rules = rules or {}
        self._dialect_keys = {where: key.reveal().encode() for where, key in (dialect_keys or {}).items() if key}
        self._bearer_of = bearer_of
        self._metrics = metrics
        self._poster = poster
        self._clock = clock
        self._hosts: dict[str, Host] = {}
        self._served: set[str] = set()
        """Hosts that had their turn since all had one; none while there are places for all."""
        self._in_flight: set[str] = set()
        """Ids that are being tried, or whose end is not committed yet."""
        self._acknowledged: list[str] = []
        self._postponed: list[Callback] = []
        self._is_due = asyncio.Event()
        self._has_ends = asyncio.Event()
        self._is_settled = asyncio.Event()
        self._tries: set[asyncio.Task[None]] = set()
        self._runners: list[asyncio.Task[None]] = []
        self._give_up_at = 0.0

    # --- life ---

    def start(self) -> None:
        """Begin to deliver."""
        loop = asyncio.get_running_loop()
        if self._poster is None:
            self._poster = HttpPoster(self._config)
        self._runners = [loop.create_task(self._run()), loop.create_task(self._record_ends())]

    async def reconfigure(
        self,
        config: WebhooksConfig,
        signing_secrets: Mapping[str, Secret],
        dialect_keys: Mapping[tuple[str, str], Secret],
    ) -> None:
        """Go by other settings from now on; tries under way end by those they began with."""
        old, self._config = self._config, config
        self._secrets = {name: _secret_bytes(secret) for name, secret in signing_secrets.items() if secret}
        self._dialect_keys = {where: key.reveal().encode() for where, key in dialect_keys.items() if key}
        if config != old and isinstance(self._poster, HttpPoster):
            before, self._poster = self._poster, HttpPoster(config)
            under_way = list(self._tries)
            if under_way:
                await asyncio.wait(under_way, timeout=old.timeout_seconds * 2)
            await before.close()
        self.wake()

    def wake(self) -> None:
        """Look at once: something became due."""
        self._is_due.set()

    async def stop(self, deadline_seconds: float) -> None:
        """Begin no new try, let those under way end and be recorded; what is left stays due."""
        if not self._runners or self._poster is None:
            return
        await cancel_all([self._runners[0]])
        try:
            async with asyncio.timeout(deadline_seconds):
                while self._in_flight:
                    self._is_settled.clear()
                    await self._is_settled.wait()
        except TimeoutError:
            log.warning("stopped with callbacks under way", callbacks=len(self._in_flight))
        await cancel_all([*self._tries, *self._runners])
        await self._poster.close()

    # --- what is due ---

    async def _run(self) -> None:
        while True:
            try:
                pause = await self.deliver_due()
            except StoreError as error:
                log.warning("due callbacks cannot be read", error=str(error))
                pause = STORE_PAUSE_MAX_SECONDS
            except Exception:
                log.exception("the dispatcher was interrupted")
                pause = STORE_PAUSE_MAX_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._is_due.wait()
            except TimeoutError:
                continue

    async def deliver_due(self) -> float:
        """Begin to try what is due and has a place; returns the seconds until there is something to look for."""
        self._is_due.clear()
        now = self._clock()
        await self._give_up_old(now)
        free = self._config.concurrency - len(self._tries)
        if free <= 0:
            return IDLE_SECONDS
        due = await self._due(now, free)
        for callback in due:
            self._begin(callback, now)
        return await self._pause(now, bool(due))

    async def _due(self, now: float, free: int) -> list[Callback]:
        """What is due and may be tried; hosts take turns where there is more than there are places."""
        per_host, busy = self._config.per_host, self._busy(now)
        due = await self._store.due_callbacks(
            now, limit=free, per_host=per_host, skip_hosts=busy | self._served, skip_ids=self._in_flight
        )
        if self._served and len(due) < free:
            # All have had their turn: those that had it first begin anew.
            self._served = {callback_host(one) for one in due}
            due += await self._store.due_callbacks(
                now,
                limit=free - len(due),
                per_host=per_host,
                skip_hosts=busy | self._served,
                skip_ids=self._in_flight,
            )
        self._served = self._served | {callback_host(one) for one in due} if len(due) >= free else set()
        return due

    def _busy(self, now: float) -> set[str]:
        limit, allowed = self._config.per_host, self._config.circuit_failures
        return {name for name, host in self._hosts.items() if host.is_busy(now, limit, allowed)}

    def _begin(self, callback: Callback, now: float) -> None:
        name = callback_host(callback)
        host = self._host(name)
        if callback.id in self._in_flight or host.is_busy(now, self._config.per_host, self._config.circuit_failures):
            return
        host.in_flight += 1
        self._in_flight.add(callback.id)
        task = asyncio.get_running_loop().create_task(self._try(callback, name, host))
        self._tries.add(task)
        task.add_done_callback(self._tries.discard)

    def _host(self, name: str) -> Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= HOSTS_KEPT:
                self._hosts = {one: kept for one, kept in self._hosts.items() if kept.in_flight or kept.failures}
            host = self._hosts[name] = Host()
        return host

    async def _pause(self, now: float, was_busy: bool) -> float:
        """Until the next is due or a host is tried again; a try's end wakes us anyway."""
        times = [host.closed_until for host in self._hosts.values() if host.closed_until > now]
        if not was_busy:
            next_at = await self._store.next_callback_at()
            if next_at is not None and next_at > now:
                times.append(next_at)
        return max(0.0, min([IDLE_SECONDS, *(at - now for at in times)]))

    async def _give_up_old(self, now: float) -> None:
        if now < self._give_up_at:
            return
        count = await self._store.fail_callbacks(now - self._config.give_up_seconds)
        if count:
            self._metrics.callbacks.labels("given up").inc(count)
        if count < SWEEP_LIMIT:
            self._give_up_at = now + GIVE_UP_EVERY_SECONDS

    # --- one try ---

    async def _try(self, callback: Callback, name: str, host: Host) -> None:
        poster = self._poster
        if poster is None:
            raise RuntimeError("the dispatcher was not started")
        try:
            made = await self._completed(callback) if callback.headers else callback
            answer = await poster.post(made, await self._headers(made))
        except asyncio.CancelledError:
            self._in_flight.discard(callback.id)
            raise
        except Exception as error:
            log.exception("a callback could not be tried", callback=callback.id)
            answer = Answer(False, type(error).__name__)
        finally:
            host.in_flight -= 1
        self._note(callback, name, host, answer)

    def _note(self, callback: Callback, name: str, host: Host, answer: Answer) -> None:
        now = self._clock()
        wanted = self._rules.get(callback.dialect, DEFAULT_RULES).acknowledged_by
        if answer.is_acknowledged and wanted and answer.status not in wanted:
            answer = Answer(False, f"HTTP status {answer.status}", answer.status)
        if answer.is_acknowledged:
            self._metrics.callbacks.labels("acknowledged").inc()
            host.failures = 0
            host.places = min(host.places + 1, self._config.per_host)
            self._acknowledged.append(callback.id)
        else:
            host.failures += 1
            host.places = FIRST_PLACES
            if host.failures >= self._config.circuit_failures:
                host.closed_until = now + self._config.circuit_seconds
            self._postponed.append(self._postpone(callback, answer.error, now))
        self._has_ends.set()

    def _postpone(self, callback: Callback, error: str, now: float) -> Callback:
        """The callback as it waits for its next try, or as failed where that would be too late."""
        rules = self._rules.get(callback.dialect, DEFAULT_RULES)
        pauses = rules.pauses or self._config.retry_seconds
        pause = pauses[min(callback.tries, len(pauses) - 1)] * random.uniform(1 - JITTER, 1 + JITTER)
        seconds = min(rules.give_up_seconds or self._config.give_up_seconds, self._config.give_up_seconds)
        is_over = now + pause > callback.created_at + seconds or 0 < rules.max_tries <= callback.tries + 1
        self._metrics.callbacks.labels("given up" if is_over else "failed").inc()
        if is_over:
            log.warning("callback given up", callback=callback.id, account=callback.account, error=error)
        return replace(callback, tries=callback.tries + 1, due_at=now + pause, last_error=error, failed=is_over)

    async def _completed(self, callback: Callback) -> Callback:
        webhook = next((value for name, value in callback.headers if name == TO_COMPOSE), "")
        return await self._complete(callback, webhook) if webhook and self._complete is not None else callback

    async def _headers(self, callback: Callback) -> dict[str, str]:
        headers = dict(callback.headers)
        webhook = headers.pop(BEARER, "")
        if webhook and self._bearer_of is not None:
            token = await self._bearer_of(callback.account, webhook)
            if token:
                headers["Authorization"] = f"Bearer {token}"
        if callback.content_type and callback.body:
            headers["Content-Type"] = callback.content_type
        if callback.dialect == "native":
            headers |= sign(callback.id, callback.body, int(self._clock()), self._secrets.get(callback.account))
            return headers
        name = self._rules.get(callback.dialect, DEFAULT_RULES).signature_header
        key = self._dialect_keys.get((callback.account, callback.dialect))
        if name and key is not None:
            headers[name] = hmac.digest(key, callback.body, hashlib.sha256).hex()
        return headers

    # --- recording ---

    async def _record_ends(self) -> None:
        pause = STORE_PAUSE_SECONDS
        while True:
            await self._has_ends.wait()
            self._has_ends.clear()
            try:
                await self.record_ends()
                pause = STORE_PAUSE_SECONDS
            except StoreError as error:
                # Until it is recorded it stays in flight: better late than twice.
                log.warning("ends of callbacks cannot be recorded", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, STORE_PAUSE_MAX_SECONDS)
                self._has_ends.set()

    async def record_ends(self) -> None:
        """Commit the tries that have ended.

        Raises:
            StoreError: they are kept for the next time.
        """
        acknowledged, self._acknowledged = self._acknowledged, []
        postponed, self._postponed = self._postponed, []
        try:
            await self._store.acknowledge(acknowledged)
            self._in_flight.difference_update(acknowledged)
            acknowledged = []
            await self._store.postpone(postponed)
        except StoreError:
            self._acknowledged += acknowledged
            self._postponed += postponed
            raise
        self._in_flight.difference_update(one.id for one in postponed)
        self._is_settled.set()
        self._is_due.set()


class HttpPoster:
    """Tries callbacks over HTTP."""

    def __init__(self, config: WebhooksConfig) -> None:
        self._exempt = parse_networks(config.allow_private_networks)
        self._client = PostClient(
            CheckedResolver(self._exempt),
            timeout_seconds=config.timeout_seconds,
            body_limit=config.response_limit_bytes,
        )

    async def post(self, callback: Callback, headers: Mapping[str, str]) -> Answer:
        """Send a callback; 2xx acknowledges it."""
        try:
            check_url(callback.url, self._exempt)
            status = await self._client.request(callback.method, callback.url, headers, callback.body)
            if 200 <= status < 300:
                return Answer(True, status=status)
            return Answer(False, f"HTTP status {status}", status)
        except InvalidMessage as error:
            return Answer(False, error.message)
        except TimeoutError:
            return Answer(False, "no answer in time")
        except (OSError, ValueError) as error:
            return Answer(False, _describe(error))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _describe(error: Exception) -> str:
    """A reason without the URL: its query may hold a token."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    reason = getattr(cause, "strerror", None)
    return reason if isinstance(reason, str) and reason else type(error).__name__


def sign(callback_id: str, body: bytes, timestamp: int, secret: bytes | None) -> dict[str, str]:
    """The headers of a Standard Webhooks request; without a secret there is no signature."""
    headers = {"webhook-id": callback_id, "webhook-timestamp": str(timestamp)}
    if secret is not None:
        content = f"{callback_id}.{timestamp}.".encode() + body
        digest = hmac.digest(secret, content, hashlib.sha256)
        headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
    return headers


def _secret_bytes(secret: Secret) -> bytes:
    """The key in a secret: base64 after ``whsec_``, else the text itself."""
    text = secret.reveal()
    if text.startswith(_BASE64_MARK):
        return base64.b64decode(text.removeprefix(_BASE64_MARK), validate=True)
    return text.encode()
