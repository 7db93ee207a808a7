"""What a provider does wrong, and what becomes of messages then: nothing is lost, nothing sent twice unless marked."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from smpp.constants import EsmClass, MessageState
from smpp.errors import SubmitRejected
from smpp.wire.pdu import SubmitSm
from tests.gateway.providers.sim import Taken, answer_json, running
from tests.gateway.providers.sim_checkmobi import signed
from tests.gateway.rest_path import PROVIDERS, RestPath, config_text, rest_path, started
from tests.gateway.smsc_path import Inbox, submit
from tests.ports import free_port
from tests.whole_path import receiver

Answer = Callable[[Taken], Awaitable[web.StreamResponse | None]]


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[RestPath]:
    async with rest_path("lanck", tmp_path) as everything:
        yield everything


def once(make: Callable[[], web.StreamResponse]) -> Answer:
    """Answer the first request in place of the provider."""
    answers = [make]

    async def instead(_taken: Taken) -> web.StreamResponse | None:
        return answers.pop()() if answers else None

    return instead


def always(make: Callable[[], web.StreamResponse]) -> Answer:
    async def instead(_taken: Taken) -> web.StreamResponse | None:
        return make()

    return instead


def too_many(retry_after: str) -> web.StreamResponse:
    return answer_json({"errorCode": 4, "errorReason": "Too many requests"}, 429, Retry_After=retry_after)


PASSING: dict[str, Callable[[], web.StreamResponse]] = {
    "too fast": lambda: too_many("0"),
    "not available": lambda: web.Response(status=503),
    "our credentials": lambda: answer_json({"errorCode": 1, "errorReason": "Authentication required"}, 401),
    "our money": lambda: answer_json({"errorCode": 6, "errorReason": "Insufficient funds"}, 403),
    "its own fault, in its words": lambda: answer_json({"errorCode": 99, "errorReason": "Internal"}, 500),
    "a redirect": lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
}

IN_DOUBT: dict[str, Callable[[], web.StreamResponse]] = {
    "a bare 500": lambda: web.Response(status=500),
    "a gateway's 502": lambda: web.Response(status=502, text="<html>"),
    "an answer without id": lambda: answer_json({}),
    "no JSON": lambda: web.Response(text="ok"),
    "an answer over the limit": lambda: web.Response(body=b" " * 2048, content_type="application/json"),
}


@pytest.mark.parametrize("kind", PASSING)
async def test_a_passing_fault_is_tried_again_and_is_not_in_doubt(path: RestPath, kind: str) -> None:
    path.provider.instead = once(PASSING[kind])

    accepted = await path.send(text="hi")

    assert await path.state(accepted["id"], "delivered", "failed", "rejected") == "delivered"
    assert len(path.provider.requests) == 2
    assert "in_doubt" not in await path.story(accepted["id"])


@pytest.mark.parametrize("kind", IN_DOUBT)
async def test_what_may_have_been_carried_out_is_in_doubt(tmp_path: Path, kind: str) -> None:
    async with rest_path("lanck", tmp_path, uplink="answer_limit_bytes = 1024") as path:
        path.provider.instead = once(IN_DOUBT[kind])

        accepted = await path.send(text="hi")

        assert await path.state(accepted["id"], "delivered", "failed", "rejected") == "delivered"
        assert "in_doubt" in await path.story(accepted["id"])


async def test_a_connection_cut_after_the_request_is_in_doubt(path: RestPath) -> None:
    async def cut(taken: Taken) -> web.StreamResponse | None:
        path.provider.instead = None
        raise ConnectionResetError

    path.provider.instead = cut
    accepted = await path.send(text="hi")

    assert await path.state(accepted["id"], "delivered", "failed") == "delivered"
    assert "in_doubt" in await path.story(accepted["id"])


async def test_no_answer_in_time_is_in_doubt_and_may_be_left_at_that(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def hang(_taken: Taken) -> web.StreamResponse | None:
        await never.wait()
        return None

    uplink = 'timeout_seconds = 0.1\nin_doubt = "fail"'
    async with rest_path("lanck", tmp_path, uplink=uplink) as path:
        path.provider.instead = hang
        accepted = await path.send(text="hi")

        assert await path.state(accepted["id"], "delivered", "failed") == "failed"
        assert len(path.provider.requests) == 1
        never.set()


async def test_a_provider_that_is_away_gets_each_message_once_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    async with receiver() as taker:
        provider = PROVIDERS["lanck"][0]()
        url = f"http://127.0.0.1:{port}"
        text = config_text("lanck", url, tmp_path, port=free_port(), callbacks=taker.url, uplink="circuit_failures = 2")
        async with started(text, provider, taker) as path:
            ids = [(await path.send(text=f"message {number}"))["id"] for number in range(5)]
            while path.uplink.is_available:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            assert not path.gateway.is_ready()
            provider.port = port
            async with running(provider):
                for message_id in ids:
                    assert await path.state(message_id, "delivered", "failed") == "delivered"
                assert sorted(sms.text for sms in provider.messages) == [f"message {number}" for number in range(5)]
            for message_id in ids:
                assert "in_doubt" not in await path.story(message_id)


async def test_while_a_provider_is_down_another_way_is_taken(tmp_path: Path) -> None:
    other = PROVIDERS["checkmobi"][0]()
    other.final = ""
    async with running(other):
        spare = f'[uplink.spare]\n{PROVIDERS["checkmobi"][1]}\nbase_url = "{other.url}"\n'
        route = spare + '[[route]]\nprefix = "4477"\nuplinks = ["way", "spare"]\n'
        async with rest_path("lanck", tmp_path, uplink="circuit_failures = 1", more=route) as path:
            path.provider.instead = always(PASSING["our money"])

            ids = [(await path.send(text=f"message {number}"))["id"] for number in range(5)]
            for message_id in ids:
                await path.state(message_id, "submitted")

            assert sorted(sms.text for sms in other.messages) == [f"message {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("error", "error_code"),
    [
        ({"errorCode": 11, "errorReason": "Invalid number"}, "011"),
        ({"errorCode": 16, "errorReason": "Sender not allowed"}, "010"),
        ({"errorCode": 10, "errorReason": "Invalid request"}, "069"),
    ],
)
async def test_a_refusal_is_a_receipt_with_its_command_status(path: RestPath, error: object, error_code: str) -> None:
    path.provider.instead = always(lambda: answer_json(error, 400))
    inbox = Inbox()
    client = await path.bind(inbox)

    submission = await client.submit(submit(b"hi"))
    (receipt,) = await inbox.wait_for(1)

    assert (receipt.id, receipt.state) == (submission.message_id, MessageState.REJECTED)
    assert receipt.error == error_code
    assert len(path.provider.requests) == 1


async def test_what_a_provider_reads_back_to_us_is_hidden(path: RestPath) -> None:
    words = "wrong token b0b6c43e9a75c51f"
    path.provider.instead = always(lambda: answer_json({"errorCode": 10, "errorReason": words}, 400))

    accepted = await path.send(text="hi")
    await path.state(accepted["id"], "rejected")

    message = await path.gateway.store.message("shop", accepted["id"])
    assert message is not None
    assert message.error == "lanck 10: wrong token ••• (ESME_RSUBMITFAIL)"


@pytest.mark.parametrize(
    "fields",
    [
        {"text": b"\x01\x02", "data_coding": 4},
        {"text": bytes.fromhex("0605040B8423F0") + b"hi", "esm_class": EsmClass.UDHI},
        {"text": b"hi", "protocol_id": 64},
        {"text": b"hi", "data_coding": 0xC8},
    ],
)
async def test_what_no_provider_of_the_route_carries_is_refused_at_the_door(
    path: RestPath, fields: dict[str, Any]
) -> None:
    client = await path.bind()

    with pytest.raises(SubmitRejected) as refused:
        await client.submit(submit(**fields))

    assert refused.value.command_status == 0x43
    assert not path.provider.requests


def part(number: int, total: int = 2, *, reference: int = 7, text: bytes = b"abc") -> SubmitSm:
    header = bytes((5, 0, 3, reference, total, number))
    return submit(header + text, esm_class=EsmClass.UDHI)


async def test_a_part_that_never_comes_ends_the_others(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, uplink="join_seconds = 1") as path:
        inbox = Inbox()
        client = await path.bind(inbox)
        submission = await client.submit(part(2, 3))

        (receipt,) = await inbox.wait_for(1)

        assert (receipt.id, receipt.state) == (submission.message_id, MessageState.UNDELIVERABLE)
        message = await path.gateway.store.message("shop", submission.message_id)
        assert message is not None
        assert message.error == "of 3 parts 1, 3 did not come in time"
        assert not path.provider.requests


async def test_parts_that_wait_outlive_a_restart(tmp_path: Path) -> None:
    async with receiver() as taker:
        provider = PROVIDERS["lanck"][0]()
        async with running(provider):
            text = config_text("lanck", provider.url, tmp_path, port=free_port(), callbacks=taker.url)
            async with started(text, provider, taker) as path:
                client = await path.bind()
                first = (await client.submit(part(1))).message_id
            assert not provider.requests
            async with started(text, provider, taker) as path:
                inbox = Inbox()
                client = await path.bind(inbox)
                second = (await client.submit(part(2, text=b"def"))).message_id
                receipts = await inbox.wait_for(2)

            assert [sms.text for sms in provider.messages] == ["abcdef"]
            assert {receipt.id for receipt in receipts} == {first, second}


async def test_parts_whose_request_was_under_way_at_the_end_go_again_together_and_are_in_doubt(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def hang(_taken: Taken) -> web.StreamResponse | None:
        await never.wait()
        return None

    async with receiver() as taker:
        provider = PROVIDERS["lanck"][0]()
        async with running(provider):
            more = "[node]\nshutdown_seconds = 1"
            text = config_text("lanck", provider.url, tmp_path, port=free_port(), callbacks=taker.url, more=more)
            provider.instead = hang
            async with started(text, provider, taker) as path:
                client = await path.bind()
                ids = [(await client.submit(part(number, text=b"%d" % number))).message_id for number in (1, 2)]
                await provider.wait_until(lambda: len(provider.requests) == 1)
            provider.instead = None
            never.set()
            async with started(text, provider, taker) as path:
                for message_id in ids:
                    assert await path.state(message_id, "delivered", "failed") == "delivered"
                    assert "in_doubt" in await path.story(message_id)

            assert [sms.text for sms in provider.messages][-1] == "12"
            assert len(provider.requests) == 2


async def test_joined_parts_are_tried_again_together(path: RestPath) -> None:
    path.provider.instead = once(PASSING["too fast"])
    inbox = Inbox()
    client = await path.bind(inbox)

    for number in (2, 1):
        await client.submit(part(number, text=b"%d" % number))
    receipts = await inbox.wait_for(2)

    assert [sms.text for sms in path.provider.messages] == ["12"]
    assert {receipt.state for receipt in receipts} == {MessageState.DELIVERED}


async def test_questions_are_asked_after_a_restart(tmp_path: Path) -> None:
    async with receiver() as taker:
        provider = PROVIDERS["lanck"][0]()
        provider.final = ""
        async with running(provider):
            text = config_text(
                "lanck",
                provider.url,
                tmp_path,
                port=free_port(),
                callbacks=taker.url,
                uplink="poll_seconds = 0.2",
                is_reachable=False,
            )
            async with started(text, provider, taker) as path:
                accepted = await path.send(text="hi")
                await path.state(accepted["id"], "submitted", "enroute")
            provider.messages[0].state = "delivered"
            async with started(text, provider, taker) as path:
                assert await path.state(accepted["id"], "delivered") == "delivered"


async def test_what_was_to_be_asked_is_asked_when_reports_come_by_themselves_meanwhile(tmp_path: Path) -> None:
    async with receiver() as taker:
        provider = PROVIDERS["lanck"][0]()
        provider.final = ""
        async with running(provider):
            port = free_port()
            before, after = (
                config_text("lanck", provider.url, tmp_path, port=port, callbacks=taker.url, is_reachable=reachable)
                for reachable in (False, True)
            )
            async with started(
                before.replace("[uplink.way]", "[uplink.way]\npoll_seconds = 1"), provider, taker
            ) as path:
                accepted = await path.send(text="hi")
                await path.state(accepted["id"], "submitted", "enroute")
            provider.messages[0].state = "delivered"
            async with started(after, provider, taker) as path:
                assert await path.state(accepted["id"], "delivered") == "delivered"


# Callbacks into us.


def count(path: RestPath, outcome: str, uplink: str = "way") -> float:
    value = path.gateway.metrics.registry.get_sample_value(
        "gateway_provider_callbacks_total", {"uplink": uplink, "outcome": outcome}
    )
    return value or 0.0


@pytest.mark.parametrize("where", ["way/wrong", "nowhere/wrong", "way/wrong/relay", "way/%00"])
async def test_a_wrong_token_is_401_and_counted(path: RestPath, where: str) -> None:
    async with path.http.post(f"/callbacks/{where}", data=b"{}") as answer:
        assert answer.status == 401

    assert count(path, "refused", "unknown" if where.startswith("nowhere") else "way") == 1


async def test_a_wrong_signature_is_401_and_counted(tmp_path: Path) -> None:
    async with rest_path("checkmobi", tmp_path, final="") as path:
        accepted = await path.send(text="hi")
        await path.state(accepted["id"], "submitted")
        (sms,) = path.provider.messages
        headers, body = signed({"id": sms.id, "to": "+447700900123", "status": "delivered"})

        wrong = await path.provider.call("POST", sms.report_to, headers | {"X-CheckMobi-Signature": "00"}, body)
        assert (wrong.status, count(path, "refused")) == (401, 1)
        right = await path.provider.call("POST", sms.report_to, headers, body)

        assert right.status == 200
        assert await path.state(accepted["id"], "delivered") == "delivered"


async def test_what_is_no_callback_is_400_and_too_much_is_413(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path) as path:
        assert (await path.provider.call("POST", path.callback_url, {}, b"{}")).status == 400
        async with path.http.post(path.callback_url, data=io.BytesIO(bytes(9 << 20))) as answer:
            assert answer.status == 413
        assert count(path, "bad") == 2


async def test_a_report_that_comes_before_the_answer_is_kept(tmp_path: Path) -> None:
    async with rest_path("lanck", tmp_path, final="") as path:

        async def report_first(taken: Taken) -> web.StreamResponse | None:
            provider = path.provider
            body = b'{"requestId":"early-1","number":"+447700900123","status":"DELIVERED"}'
            said = await provider.call("POST", taken.content["callbackUrl"], {}, body)
            assert said.status == 200
            return answer_json({"requestId": "early-1"})

        path.provider.instead = report_first
        inbox = Inbox()
        client = await path.bind(inbox)
        for number in (1, 2):
            await client.submit(part(number))

        receipts = await inbox.wait_for(2)

        assert {receipt.state for receipt in receipts} == {MessageState.DELIVERED}
