"""Callbacks: tried, signed, tried again, given up; a bad host troubles no other."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from gateway.config import Secret, WebhooksConfig
from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.models import Callback, Inbound
from gateway.providers.base import CallbackRules
from gateway.store import Store
from gateway.webhooks import Answer, WebhookDispatcher, sign
from tests.gateway.fakes import NOW, Clock, eventually

OK = Answer(True)
DOWN = Answer(False, "HTTP status 500")
EXACT = CallbackRules(acknowledged_by=(200,), max_tries=4, signature_header="X-CheckMobi-Signature")


class FakePoster:
    """Answers by host; a host without an answer hangs."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.tries: list[tuple[str, dict[str, str]]] = []
        self.at: list[float] = []
        self.under_way: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.clock: Clock | None = None

    async def post(self, callback: Callback, headers: Mapping[str, str]) -> Answer:
        host = callback.url.split("/")[2].split(".")[0]
        self.tries.append((callback.url, dict(headers)))
        if self.clock is not None:
            self.at.append(self.clock())
        self.under_way[host] = self.under_way.get(host, 0) + 1
        self.most[host] = max(self.most.get(host, 0), self.under_way[host])
        try:
            if host not in self.answers:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            return self.answers[host]
        finally:
            self.under_way[host] -= 1

    async def close(self) -> None:
        return

    def count(self, host: str) -> int:
        return sum(f"//{host}." in url for url, _ in self.tries)


class Bench:
    """A dispatcher over a store, its clock and its poster."""

    def __init__(self, store: Store, poster: FakePoster, **settings: Any) -> None:
        self.store = store
        self.poster = poster
        self.clock = poster.clock = Clock()
        self.metrics = Metrics()
        self.dispatcher = WebhookDispatcher(
            store,
            WebhooksConfig(**settings),
            {"shop": Secret("whsec_" + base64.b64encode(b"0123456789abcdef").decode()), "plain": Secret("")},
            metrics=self.metrics,
            rules={"checkmobi": EXACT},
            dialect_keys={("shop", "checkmobi"): Secret("sign-with-this"), ("plain", "checkmobi"): Secret("")},
            poster=poster,
            clock=self.clock,
        )

    async def owe(self, host: str, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            identifier = self.store.ids.new(self.clock())
            account = fields.get("account", "shop")
            note = Inbound(id=identifier, account=account, sender="1", recipient="2", text="")
            values: dict[str, Any] = {
                "id": "",
                "account": account,
                "url": f"https://{host}.example/{identifier}",
                "body": b'{"a":1}',
                "created_at": self.clock(),
                "due_at": self.clock(),
            }
            await self.store.add_inbound(note, Callback(**(values | fields)))

    async def round(self) -> None:
        """Look once, let what began end and be recorded."""
        await self.dispatcher.deliver_due()
        for _ in range(20):
            await asyncio.sleep(0)
        await self.dispatcher.record_ends()

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.round()


# --- trying ---


async def test_an_acknowledged_callback_is_tried_once(store: Store) -> None:
    bench = Bench(store, FakePoster(a=OK))
    await bench.owe("a")
    await bench.round()
    await bench.advance(1e5)
    assert bench.poster.count("a") == 1
    assert await store.callbacks() == []
    assert bench.metrics.callbacks.labels("acknowledged")._value.get() == 1


async def test_a_callback_is_retried_with_growing_pauses_then_kept_as_failed(store: Store) -> None:
    bench = Bench(store, FakePoster(a=DOWN), retry_seconds=(10.0, 100.0), give_up_seconds=1000, circuit_failures=1000)
    await bench.owe("a")
    while not await store.callbacks(failed=True):
        await bench.advance(1)
        assert bench.clock() < NOW + 2000
    pauses = [later - earlier for earlier, later in zip(bench.poster.at, bench.poster.at[1:], strict=False)]
    assert 7 <= pauses[0] <= 14
    assert all(75 <= pause <= 127 for pause in pauses[1:])
    assert bench.poster.at[-1] <= NOW + 1000
    (failed,) = await store.callbacks()
    assert (failed.failed, failed.last_error, failed.tries) == (True, "HTTP status 500", len(bench.poster.at))
    await bench.advance(1e6)
    assert len(bench.poster.at) == failed.tries


async def test_the_default_schedule_ends_within_36_hours(store: Store) -> None:
    bench = Bench(store, FakePoster(a=DOWN), circuit_failures=1000)
    await bench.owe("a")
    for _ in range(400):
        await bench.advance(400)
    (failed,) = await store.callbacks()
    assert failed.failed
    assert 10 <= failed.tries <= 25
    assert NOW + 86_400 < bench.poster.at[-1] <= NOW + 36 * 3600


async def test_a_failed_callback_is_tried_again_when_replayed(store: Store) -> None:
    bench = Bench(store, FakePoster(a=DOWN), give_up_seconds=1)
    await bench.owe("a")
    await bench.advance(2)
    assert [one.failed for one in await store.callbacks()] == [True]
    bench.poster.answers["a"] = OK
    assert await store.replay_callbacks(bench.clock()) == 1
    await bench.round()
    assert await store.callbacks() == []


async def test_a_store_that_fails_keeps_ends_until_it_can(store: Store) -> None:
    bench = Bench(store, FakePoster(a=OK))
    await bench.owe("a")

    def fault(point: str) -> None:
        if point == "acknowledge":
            raise OSError(28, "No space left on device")

    store.fault = fault
    with pytest.raises(StoreError):
        await bench.round()
    store.fault = None
    await bench.round()
    assert bench.poster.count("a") == 1
    assert await store.callbacks() == []


# --- hosts ---


async def test_a_host_gets_no_more_than_its_share_at_a_time(store: Store) -> None:
    bench = Bench(store, FakePoster(a=OK), per_host=3)
    await bench.owe("a", 20)
    for _ in range(5):
        await bench.round()
    assert bench.poster.most["a"] == 3


async def test_a_host_that_has_not_answered_gets_two_at_a_time(store: Store) -> None:
    bench = Bench(store, FakePoster(), per_host=10)
    await bench.owe("slow", 10)
    for _ in range(5):
        await bench.round()
    assert bench.poster.most["slow"] == 2
    await stop(bench)


async def stop(bench: Bench) -> None:
    for task in list(bench.dispatcher._tries):
        task.cancel()
    await asyncio.gather(*bench.dispatcher._tries, return_exceptions=True)


async def test_a_hanging_host_delays_no_other(store: Store) -> None:
    bench = Bench(store, FakePoster(good=OK), per_host=4, concurrency=20)
    await bench.owe("hangs", 200)
    await bench.round()
    for _ in range(10):
        await bench.owe("good", 2)
        await bench.advance(360)
        assert [one for one in await store.callbacks(limit=1000) if "good" in one.url] == []
    assert bench.poster.count("good") == 20
    assert bench.poster.count("hangs") == 2
    await stop(bench)


async def test_a_host_that_keeps_failing_is_left_alone_then_tried_with_one(store: Store) -> None:
    bench = Bench(store, FakePoster(dead=DOWN), circuit_failures=2, circuit_seconds=30, per_host=3)
    await bench.owe("dead", 50)
    await bench.round()
    assert bench.poster.count("dead") == 2
    await bench.advance(29)
    assert bench.poster.count("dead") == 2
    await bench.advance(2)
    assert bench.poster.count("dead") == 3
    bench.poster.answers["dead"] = OK
    await bench.advance(31)
    assert bench.poster.count("dead") == 4
    await bench.round()
    assert bench.poster.count("dead") == 7
    assert bench.poster.most["dead"] == 3


async def test_callbacks_of_a_dead_host_are_given_up_though_not_all_were_tried(store: Store) -> None:
    bench = Bench(store, FakePoster(dead=DOWN), circuit_failures=1, give_up_seconds=3600)
    await bench.owe("dead", 20)
    await bench.round()
    assert bench.poster.count("dead") < 20
    await bench.advance(3700)
    assert len(await store.callbacks(failed=True)) == 20


# --- running by itself ---


async def test_the_dispatcher_delivers_what_it_is_woken_for_and_stops(store: Store) -> None:
    bench = Bench(store, FakePoster(a=OK))
    bench.dispatcher.start()
    await asyncio.sleep(0.01)
    await bench.owe("a", 5)
    bench.dispatcher.wake()
    await eventually(lambda: bench.poster.count("a") == 5)
    await bench.dispatcher.stop(1)
    assert await store.callbacks() == []


async def test_stopping_leaves_what_hangs_for_the_next_start(store: Store) -> None:
    bench = Bench(store, FakePoster())
    bench.dispatcher.start()
    await bench.owe("slow")
    bench.dispatcher.wake()
    await eventually(lambda: bench.poster.count("slow") == 1)
    await bench.dispatcher.stop(0.01)
    (left,) = await store.callbacks()
    assert (left.tries, left.failed) == (0, False)


# --- signatures ---


async def test_native_callbacks_are_signed_anew_for_every_try(store: Store) -> None:
    bench = Bench(store, FakePoster(a=DOWN), retry_seconds=(10.0,))
    await bench.owe("a")
    await bench.round()
    await bench.advance(20)
    first, second = (headers for _, headers in bench.poster.tries)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] == str(int(NOW))
    assert second["webhook-timestamp"] == str(int(NOW) + 20)
    content = f'{second["webhook-id"]}.{int(NOW) + 20}.{{"a":1}}'.encode()
    expected = base64.b64encode(hmac.new(b"0123456789abcdef", content, hashlib.sha256).digest()).decode()
    assert second["webhook-signature"] == f"v1,{expected}"
    assert second["Content-Type"] == "application/json"


async def test_accounts_without_a_secret_and_other_dialects_go_unsigned(store: Store) -> None:
    bench = Bench(store, FakePoster(a=OK))
    await bench.owe("a", account="plain")
    await bench.owe("a", dialect="mocean", headers=(("x-own", "1"),), content_type="application/x-www-form-urlencoded")
    await bench.round()
    (_, native), (_, mocean) = sorted(bench.poster.tries, key=lambda one: "x-own" in one[1])
    assert "webhook-signature" not in native
    assert native["webhook-id"]
    assert mocean == {"x-own": "1", "Content-Type": "application/x-www-form-urlencoded"}


def test_a_signature_is_that_of_the_published_example() -> None:
    """The example that the Standard Webhooks libraries test against."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330, secret)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


# --- what a dialect's document says ---


async def test_a_dialect_that_wants_exactly_200_takes_nothing_else_and_ends_after_three_retries(store: Store) -> None:
    bench = Bench(store, FakePoster(a=Answer(True, status=204)), retry_seconds=(1.0,), circuit_failures=1_000)
    await bench.owe("a", dialect="checkmobi")
    for _ in range(10):
        await bench.advance(2)
    (left,) = await store.callbacks(failed=True)
    assert (left.tries, left.last_error, bench.poster.count("a")) == (4, "HTTP status 204", 4)


async def test_the_answer_a_dialect_wants_acknowledges(store: Store) -> None:
    bench = Bench(store, FakePoster(a=Answer(True, status=200)))
    await bench.owe("a", dialect="checkmobi")
    await bench.round()
    assert await store.callbacks() == []


async def test_a_dialect_signs_its_body_with_the_accounts_key_for_it(store: Store) -> None:
    bench = Bench(store, FakePoster(a=Answer(True, status=200)))
    await bench.owe("a", dialect="checkmobi")
    await bench.owe("a", dialect="checkmobi", account="plain")
    await bench.round()
    signatures = [headers.get("X-CheckMobi-Signature", "") for _, headers in bench.poster.tries]
    assert sorted(signatures) == ["", hmac.new(b"sign-with-this", b'{"a":1}', hashlib.sha256).hexdigest()]
    assert all("webhook-id" not in headers for _, headers in bench.poster.tries)


# --- callbacks that are completed as they leave ---


async def test_a_callback_is_completed_as_it_leaves_and_kept_as_it_was(store: Store) -> None:
    async def complete(callback: Callback, webhook: str) -> Callback:
        assert webhook == "hook-1"
        return msgspec.structs.replace(callback, url=f"{callback.url}?key=s3cret", headers=(("X-Key", "hush"),))

    bench = Bench(store, FakePoster(a=DOWN), retry_seconds=(10.0,))
    bench.dispatcher._complete = complete
    await bench.owe("a", headers=((":compose", "hook-1"),), dialect="mobtexting")
    (waiting,) = await store.callbacks()
    await bench.round()
    ((url, headers),) = bench.poster.tries
    assert (url, headers["X-Key"]) == (f"{waiting.url}?key=s3cret", "hush")
    (kept,) = await store.callbacks()
    assert (kept.url, kept.body, kept.headers, kept.tries) == (waiting.url, waiting.body, waiting.headers, 1)
