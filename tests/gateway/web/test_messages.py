"""Messages found, withdrawn, scheduled, and sent once however often they are asked for."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.errors import ApiError
from gateway.web.times import read_moment, read_send_at
from tests.gateway.web.running import Running, running


@pytest.fixture
async def here() -> AsyncIterator[Running]:
    async with running() as one:
        yield one


# --- finding ---


async def test_messages_are_found_newest_first_and_page_by_page(here: Running) -> None:
    ids = [await here.send(text=str(number)) for number in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        status, page = await here.ask("GET", "/messages", params=query)
        assert status == 200
        assert len(page["messages"]) <= 2
        found += [message["id"] for message in page["messages"]]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert found == ids[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"to": "+91 98765-43210"},
        {"from": "ALERT"},
        {"client_reference": "order 7"},
        {"group": "night"},
        {"state": "scheduled"},
        {"state": "scheduled", "to": "919876543210", "from": "ALERT"},
    ],
)
async def test_filters_find_what_they_name_and_nothing_else(here: Running, query: dict[str, str]) -> None:
    await here.send()
    wanted = await here.send(
        **{"to": "919876543210", "from": "ALERT"},
        client_reference="order 7",
        group="night",
        send_at=datetime.now().astimezone().replace(year=datetime.now().year + 1, month=1, day=1).isoformat(),
    )
    status, page = await here.ask("GET", "/messages", params=query)
    assert (status, [message["id"] for message in page["messages"]]) == (200, [wanted])


async def test_times_bound_what_is_found(here: Running) -> None:
    await here.send()
    for query, count in (({"since": "2020-01-01T00:00:00Z"}, 1), ({"until": "2020-01-01T00:00:00Z"}, 0)):
        status, page = await here.ask("GET", "/messages", params=query)
        assert (status, len(page["messages"])) == (200, count)


async def test_messages_of_others_are_not_found(here: Running) -> None:
    mine = await here.send()
    _, page = await here.ask("GET", "/messages", key="other-key")
    assert page["messages"] == []
    status, _ = await here.ask("DELETE", f"/messages/{mine}", key="other-key")
    assert status == 404


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("state=gone", "invalid_value", "state"),
        ("limit=0", "out_of_range", "limit"),
        ("limit=x", "wrong_type", "limit"),
        ("limit=1&limit=2", "repeated_parameter", "limit"),
        ("status=queued", "unknown_field", "status"),
        ("cursor=nonsense", "invalid_value", "cursor"),
        ("since=yesterday", "invalid_time", "since"),
        ("since=2030-01-01T00:00:00", "invalid_time", "since"),
        ("to=abc", "invalid_recipient", "to"),
        ("from=%00", "invalid_value", "from"),
    ],
)
async def test_what_cannot_be_asked_names_its_parameter(here: Running, query: str, code: str, field: str) -> None:
    status, body = await here.ask("GET", f"/messages?{query}")
    assert (status, body["error"]["code"], body["error"]["field"]) == (400, code, field)


# --- withdrawing ---


async def test_what_has_not_left_is_withdrawn_once(here: Running) -> None:
    one = await here.send()
    status, body = await here.ask("DELETE", f"/messages/{one}")
    assert (status, body["id"], body["state"]) == (200, one, "deleted")
    status, body = await here.ask("DELETE", f"/messages/{one}")
    assert (status, body["error"]["code"]) == (409, "not_waiting")


@pytest.mark.parametrize("unknown", ["nothing", "0000000000000000000000000"])
async def test_what_is_not_there_cannot_be_withdrawn(here: Running, unknown: str) -> None:
    status, body = await here.ask("DELETE", f"/messages/{unknown}")
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_who_may_only_read_cannot_withdraw(here: Running) -> None:
    status, body = await here.ask("DELETE", "/messages/x", key="reader-key")
    assert (status, body["error"]["code"]) == (403, "forbidden")


# --- sending once ---


async def test_requests_with_one_key_are_one(here: Running) -> None:
    def again(text: str = "Hi") -> Any:
        body = {"to": "447700900123", "text": text}
        return here.ask("POST", "/messages", json=body, headers={"Idempotency-Key": "order-1"})

    answers = await asyncio.gather(*(again() for _ in range(8)))
    assert {status for status, _ in answers} == {202}
    assert len({body["id"] for _, body in answers}) == 1
    _, page = await here.ask("GET", "/messages")
    assert len(page["messages"]) == 1
    status, body = await again("another text")
    assert (status, body["error"]["code"]) == (409, "idempotency_key_reused")


async def test_a_batch_is_repeated_with_its_refusals(here: Running) -> None:
    batch = [{"to": "447700900123", "text": "a"}, {"to": "1", "text": "b"}, {"to": "99999999", "text": "no route"}]
    first, second = [
        await here.ask("POST", "/messages", json=batch, headers={"Idempotency-Key": "batch"}) for _ in range(2)
    ]
    assert first == second
    assert [sorted(item) for item in first[1]] == [["client_reference", "id", "state", "to"], ["error"], ["error"]]


async def test_keys_are_each_accounts_own(here: Running) -> None:
    ids = set()
    for key in ("shop-key", "other-key"):
        headers = {"Idempotency-Key": "same"}
        body = {"to": "447700900123", "text": "Hi"}
        _, answer = await here.ask("POST", "/messages", key=key, json=body, headers=headers)
        ids.add(answer["id"])
    assert len(ids) == 2


async def test_what_was_refused_may_be_tried_again_with_its_key(here: Running) -> None:
    headers = {"Idempotency-Key": "later"}
    status, _ = await here.ask("POST", "/messages", json={"to": "99999999", "text": "x"}, headers=headers)
    assert status == 422
    status, _ = await here.ask("POST", "/messages", json={"to": "447700900123", "text": "x"}, headers=headers)
    assert status == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_what_is_no_key_is_refused(here: Running, key: str) -> None:
    body = {"to": "447700900123", "text": "Hi"}
    status, answer = await here.ask("POST", "/messages", json=body, headers={"Idempotency-Key": key})
    assert (status, answer["error"]["code"]) == (400, "invalid_idempotency_key")


# --- later ---


async def test_a_scheduled_message_waits_for_its_local_time(here: Running) -> None:
    year = datetime.now().year + 1
    one = await here.send(send_at=f"{year}-01-10T09:30:00", time_zone="Asia/Kolkata")
    _, shown = await here.ask("GET", f"/messages/{one}")
    assert (shown["state"], shown["scheduled_at"]) == ("scheduled", f"{year}-01-10T04:00:00.000Z")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"send_at": "tomorrow"}, "invalid_time", "send_at"),
        ({"send_at": "2030-02-30T00:00:00Z"}, "invalid_time", "send_at"),
        ({"send_at": "2030-01-01T00:00:00"}, "invalid_time", "send_at"),
        ({"send_at": "2030-01-01T00:00:00", "time_zone": "Mars/Olympus"}, "invalid_time_zone", "time_zone"),
        ({"send_at": "2030-01-01T00:00:00", "time_zone": "../../etc/passwd"}, "invalid_time_zone", "time_zone"),
        ({"send_at": "2030-01-01T00:00:00Z", "time_zone": "UTC"}, "conflicting_fields", "time_zone"),
        ({"time_zone": "UTC"}, "missing_field", "send_at"),
        ({"send_at": "2999-01-01T00:00:00Z"}, "invalid_schedule", "send_at"),
    ],
)
async def test_what_is_no_time_is_refused(here: Running, fields: dict[str, str], code: str, field: str) -> None:
    body = {"to": "447700900123", "text": "Hi", **fields}
    status, answer = await here.ask("POST", "/messages", json=body)
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (400, code, field)


def test_an_hour_that_clocks_pass_over_is_no_time() -> None:
    with pytest.raises(ApiError) as caught:
        read_send_at("2030-03-31T02:30:00", "Europe/Berlin")
    assert caught.value.body.code == "invalid_time"
    assert read_send_at("2030-03-31T03:30:00", "Europe/Berlin") == read_moment("2030-03-31T01:30:00Z", "x")


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.timezones()))
def test_a_moment_means_the_same_however_it_is_written(moment: datetime) -> None:
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return
    assert read_moment(moment.isoformat(), "since") == pytest.approx(moment.timestamp(), abs=1e-6)


@given(st.text(max_size=40))
def test_whatever_is_written_is_a_time_or_refused(text: str) -> None:
    try:
        read_moment(text, "since")
    except ApiError as error:
        assert error.body.code == "invalid_time"
