"""The native API over HTTP: what it takes, what it refuses, and in which words."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL as Address

from gateway.errors import InvalidMessage, NoRoute, StoreError, StoreFull
from gateway.models import Coding, State
from tests.gateway.web.fakes import READER_KEY, SHOP_KEY, Behind, Client

URL = "/api/v1/messages"
KEY = {"Authorization": f"Bearer {SHOP_KEY}"}
AS_JSON = {**KEY, "Content-Type": "application/json"}
PLAIN = {"to": "919876543210", "from": "INFO", "text": "Your code is 4711"}


async def post(client: Client, body: object, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await client.post(URL, data=data, headers=headers if headers is not None else AS_JSON)
    return response.status, await response.json()


async def test_message_is_accepted_with_its_id_and_state(client: Client, behind: Behind) -> None:
    status, body = await post(client, {**PLAIN, "client_reference": "order 7"})
    assert status == 202
    assert body == {"id": "m1", "state": "queued", "to": "919876543210", "client_reference": "order 7"}
    assert behind.intake.last.account == "shop"


async def test_every_field_arrives(client: Client, behind: Behind) -> None:
    status, _ = await post(
        client,
        {
            "to": "+91 98765-43210",
            "from": "+44 7700 900123",
            "text": "\u4f60\u597d",
            "udh": "050003A70201",
            "coding": "ucs2",
            "data_coding": 24,
            "message_class": 0,
            "tlvs": [
                {"tag": 0x1403, "value": "c0ffee"},
                {"name": "user_message_reference", "value": "002A"},
                {"name": "its_session_info", "text": "ab"},
            ],
            "dlt": {"entity_id": "110100001", "template_id": "1107", "tm_id": "abc"},
            "receipt": False,
            "callback_url": "https://example.com/hook",
            "client_reference": "order 7",
            "validity_seconds": 300,
            "priority": 3,
        },
    )
    message = behind.intake.last
    assert status == 202
    assert (message.recipient, message.sender, message.text) == ("919876543210", "447700900123", "\u4f60\u597d")
    assert (message.udh, message.coding) == (bytes.fromhex("050003A70201"), Coding.UCS2)
    assert (message.data_coding, message.message_class) == (24, 0)
    assert message.tlvs == (
        (0x1403, b"\xc0\xff\xee"),
        (0x0204, b"\x00\x2a"),
        (0x1383, b"ab"),
        (0x1400, b"110100001"),
        (0x1401, b"1107"),
        (0x1402, b"abc"),
    )
    assert (message.wants_receipt, message.callback_url) == (False, "https://example.com/hook")
    assert (message.client_reference, message.validity_seconds, message.priority) == ("order 7", 300, 3)


async def test_data_makes_a_binary_message(client: Client, behind: Behind) -> None:
    await post(client, {"to": "123", "data": "030616AE", "udh": "0605040B8423F0"})
    message = behind.intake.last
    assert (message.coding, message.data, message.text) == (Coding.BINARY, b"\x03\x06\x16\xae", "")


async def test_sender_may_be_left_to_the_account(client: Client, behind: Behind) -> None:
    assert (await post(client, {"to": "123", "text": "x"}))[0] == 202
    assert behind.intake.last.sender == ""


@pytest.mark.parametrize("headers", [KEY, {"X-API-Key": SHOP_KEY}, {"Authorization": f"bearer  {SHOP_KEY}"}])
async def test_key_comes_in_either_header(client: Client, headers: dict[str, str]) -> None:
    assert (await post(client, PLAIN, {**headers, "Content-Type": "application/json; charset=UTF-8"}))[0] == 202


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic sk-shop"}, {"X-API-Key": "no"}],
)
async def test_without_a_key_nothing_is_read(client: Client, behind: Behind, headers: dict[str, str]) -> None:
    response = await client.post(URL, data=b"{", headers={"Content-Type": "application/json", **headers})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (await response.json())["error"]["code"] == "unauthorized"
    assert behind.intake.calls == 0


async def test_account_that_may_only_read_cannot_send(client: Client) -> None:
    status, body = await post(client, PLAIN, {"X-API-Key": READER_KEY, "Content-Type": "application/json"})
    assert (status, body["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"", "malformed_json", ""),
        (b"{", "malformed_json", ""),
        (b'{"to": "1', "malformed_json", ""),
        (b"\xff", "malformed_json", ""),
        (b'{"to": "\xff"}', "malformed_json", ""),
        (b'{"to": "\\ud800"}', "malformed_json", ""),
        (b"[" * 5000, "malformed_json", ""),
        (b'{"to": ' + b"[" * 5000, "wrong_type", "to"),
        (b"nul", "malformed_json", ""),
        (b"null", "wrong_type", ""),
        (b"7", "wrong_type", ""),
        (b"[]", "empty_batch", ""),
        (b"[{},{},{},{},{},{}]", "batch_too_large", ""),
        ({}, "missing_field", "to"),
        ({"to": "919876543210"}, "missing_field", "text"),
        ({**PLAIN, "colour": "red"}, "unknown_field", "colour"),
        ({**PLAIN, "sender": "x"}, "unknown_field", "sender"),
        ({**PLAIN, "to": 919876543210}, "wrong_type", "to"),
        ({**PLAIN, "to": None}, "wrong_type", "to"),
        ({**PLAIN, "to": ["1"]}, "wrong_type", "to"),
        ({**PLAIN, "receipt": "yes"}, "wrong_type", "receipt"),
        ({**PLAIN, "priority": 1.5}, "wrong_type", "priority"),
        ({**PLAIN, "to": "1" * 65}, "too_long", "to"),
        ({**PLAIN, "client_reference": "x" * 256}, "too_long", "client_reference"),
        ({**PLAIN, "udh": "0" * 281}, "too_long", "udh"),
        ({**PLAIN, "tlvs": [{"tag": 5121, "value": "00"}] * 33}, "too_long", "tlvs"),
        ({**PLAIN, "to": "12"}, "invalid_recipient", "to"),
        ({**PLAIN, "to": "not a number"}, "invalid_recipient", "to"),
        ({**PLAIN, "to": "1234567890123456"}, "invalid_recipient", "to"),
        ({**PLAIN, "from": "TOO LONG A NAME"}, "invalid_sender", "from"),
        ({**PLAIN, "from": "Caf\u00e9"}, "invalid_sender", "from"),
        ({**PLAIN, "text": ""}, "invalid_text", "text"),
        ({**PLAIN, "text": "a\0b"}, "invalid_text", "text"),
        ({**PLAIN, "client_reference": "\0"}, "invalid_value", "client_reference"),
        ({**PLAIN, "callback_url": "example.com/hook"}, "invalid_callback_url", "callback_url"),
        ({**PLAIN, "callback_url": "file:///etc/passwd"}, "invalid_callback_url", "callback_url"),
        ({**PLAIN, "data": "00"}, "conflicting_fields", "data"),
        ({**PLAIN, "coding": "morse"}, "invalid_value", "coding"),
        ({**PLAIN, "coding": "binary"}, "invalid_coding", "coding"),
        ({"to": "123", "data": "00", "coding": "gsm"}, "invalid_coding", "coding"),
        ({"to": "123", "data": "0"}, "invalid_hex", "data"),
        ({"to": "123", "data": "0 0 "}, "invalid_hex", "data"),
        ({"to": "123", "data": ""}, "invalid_data", "data"),
        ({"to": "123", "data": "00" * 134, "udh": "0605040B8423F0"}, "data_too_long", "data"),
        ({**PLAIN, "udh": "xx"}, "invalid_hex", "udh"),
        ({**PLAIN, "udh": "0705040B8423F0"}, "invalid_udh", "udh"),
        ({**PLAIN, "data_coding": 256}, "out_of_range", "data_coding"),
        ({**PLAIN, "data_coding": -1}, "out_of_range", "data_coding"),
        ({**PLAIN, "message_class": 4}, "out_of_range", "message_class"),
        ({**PLAIN, "validity_seconds": 0}, "out_of_range", "validity_seconds"),
        ({**PLAIN, "priority": 4}, "out_of_range", "priority"),
        ({**PLAIN, "tlvs": {}}, "wrong_type", "tlvs"),
        ({**PLAIN, "tlvs": [{"tag": "5"}]}, "wrong_type", "tlvs[0].tag"),
        ({**PLAIN, "tlvs": [{"tag": 5121, "value": "00"}, {"tagg": 5}]}, "unknown_field", "tlvs[1].tagg"),
        ({**PLAIN, "tlvs": [{"value": "00"}]}, "invalid_tlv", "tlvs[0]"),
        ({**PLAIN, "tlvs": [{"tag": 5121}]}, "invalid_tlv", "tlvs[0]"),
        ({**PLAIN, "tlvs": [{"tag": 5121, "value": "0"}]}, "invalid_hex", "tlvs[0].value"),
        ({**PLAIN, "tlvs": [{"tag": 5121, "text": "\u00e9"}]}, "invalid_tlv", "tlvs[0].text"),
        ({**PLAIN, "tlvs": [{"name": "no_such", "text": "a"}]}, "invalid_tlv", "tlvs[0].name"),
        ({**PLAIN, "tlvs": [{"name": "source_port", "value": "00"}]}, "invalid_tlv", "tlvs[0]"),
        ({**PLAIN, "tlvs": [{"tag": 0x0424, "value": "00"}]}, "invalid_tlv", "tlvs[0]"),
        ({**PLAIN, "dlt": {"entity": "1"}}, "unknown_field", "dlt.entity"),
        ({**PLAIN, "dlt": {"entity_id": "\u00e9"}}, "invalid_tlv", "dlt.entity_id"),
        (
            {**PLAIN, "dlt": {"entity_id": "1"}, "tlvs": [{"tag": 0x1400, "text": "2"}]},
            "conflicting_fields",
            "dlt.entity_id",
        ),
    ],
)
async def test_bad_request_names_the_field(client: Client, behind: Behind, body: object, code: str, field: str) -> None:
    status, answer = await post(client, body)
    assert status == 400
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message", "field"}
    assert (answer["error"]["code"], answer["error"]["field"]) == (code, field)
    assert answer["error"]["message"]
    assert behind.intake.calls == 0


async def test_malformed_json_says_where(client: Client) -> None:
    _, answer = await post(client, b'{"to": "1", oops}')
    assert "(byte 12)" in answer["error"]["message"]


async def test_batch_is_answered_item_by_item(client: Client, behind: Behind) -> None:
    behind.intake.refuse["447700900123"] = NoRoute("no rule takes 447700900123")
    status, answer = await post(
        client,
        [PLAIN, {**PLAIN, "to": 7}, {**PLAIN, "to": "447700900123"}, {**PLAIN, "tlvs": [{}]}, PLAIN],
    )
    assert status == 202
    assert [item.get("id") for item in answer] == ["m1", None, None, None, "m2"]
    assert [item["error"]["field"] for item in answer if "error" in item] == ["[1].to", "[2].to", "[3].tlvs[0]"]
    assert answer[2]["error"]["code"] == "no_route"
    assert behind.intake.calls == 1


async def test_item_that_is_no_object_fails_alone(client: Client) -> None:
    status, answer = await post(client, [PLAIN, 7])
    assert status == 202
    assert (answer[1]["error"]["code"], answer[1]["error"]["field"]) == ("wrong_type", "[1]")


async def test_batch_of_failures_is_a_failure(client: Client, behind: Behind) -> None:
    status, answer = await post(client, [{}, {"to": "12", "text": "x"}])
    assert status == 400
    assert [item["error"]["field"] for item in answer] == ["[0].to", "[1].to"]
    assert behind.intake.calls == 0


@pytest.mark.parametrize(
    ("reason", "status", "field"),
    [
        (NoRoute("no rule takes it"), 422, "to"),
        (InvalidMessage("sender_not_allowed", "not yours", "sender"), 400, "from"),
        (InvalidMessage("invalid_callback_url", "private", "callback_url"), 400, "callback_url"),
        (InvalidMessage("rate_limited", "slow down"), 429, ""),
    ],
)
async def test_refusal_of_the_gateway_is_told_at_once(
    client: Client, behind: Behind, reason: InvalidMessage, status: int, field: str
) -> None:
    behind.intake.refuse["919876543210"] = reason
    said, answer = await post(client, PLAIN)
    assert said == status
    assert answer == {"error": {"code": reason.code, "message": reason.message, "field": field}}


async def test_full_store_says_when_to_come_back(client: Client, behind: Behind) -> None:
    behind.intake.fail = StoreFull(retry_after=1.2)
    response = await client.post(URL, data=json.dumps(PLAIN), headers=AS_JSON)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert (await response.json())["error"]["code"] == "busy"


@pytest.mark.parametrize(("fault", "status"), [(StoreError("/secret/path"), 503), (RuntimeError("/secret/path"), 500)])
async def test_fault_of_ours_shows_nothing_inside(
    client: Client, behind: Behind, fault: Exception, status: int
) -> None:
    behind.intake.fail = fault
    said, answer = await post(client, PLAIN)
    assert said == status
    assert set(answer["error"]) == {"code", "message", "field"}
    assert "secret" not in json.dumps(answer)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""]
)
async def test_body_has_to_be_json(client: Client, content_type: str) -> None:
    status, answer = await post(client, PLAIN, {**KEY, "Content-Type": content_type})
    assert (status, answer["error"]["code"]) == (415, "unsupported_media_type")


async def test_body_over_the_limit_is_refused(client: Client) -> None:
    status, answer = await post(client, b" " * 20_001)
    assert (status, answer["error"]["code"]) == (413, "body_too_large")


async def test_compressed_body_is_refused(client: Client) -> None:
    status, answer = await post(client, b"\x1f\x8b", {**AS_JSON, "Content-Encoding": "gzip"})
    assert (status, answer["error"]["code"]) == (415, "unsupported_encoding")


async def test_message_is_shown_with_parts_and_timeline(client: Client) -> None:
    await post(client, PLAIN)
    response = await client.get(f"{URL}/m1", headers=KEY)
    assert response.status == 200
    shown = await response.json()
    assert (shown["id"], shown["state"], shown["to"], shown["from"]) == ("m1", "queued", "919876543210", "INFO")
    assert (shown["text"], shown["data"], shown["created_at"]) == (PLAIN["text"], None, "2023-11-14T22:13:20.250Z")
    assert shown["parts"][0]["smsc_message_id"] == "17a9"
    assert shown["parts"][0]["short_message"] == "4869"
    assert shown["timeline"][0]["state"] == "accepted"


@pytest.mark.parametrize("written", ["nothing", "%00", "%ff", "a%20b", "x" * 129, "..%2f"])
async def test_id_that_is_none_is_not_found(client: Client, written: str) -> None:
    response = await client.get(Address(f"{URL}/{written}", encoded=True), headers=KEY)
    assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")


async def test_final_state_says_so(client: Client, behind: Behind) -> None:
    await post(client, PLAIN)
    behind.lookup.set_state("m1", State.DELIVERED)
    assert (await (await client.get(f"{URL}/m1", headers=KEY)).json())["is_final"] is True


@pytest.mark.parametrize("headers", [KEY, {"X-API-Key": READER_KEY}])
async def test_message_of_another_account_does_not_exist(
    client: Client, behind: Behind, headers: dict[str, str]
) -> None:
    await post(client, PLAIN)
    own = "m1" if headers is not KEY else "m2"
    response = await client.get(f"{URL}/{own}", headers=headers)
    assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/api/v1/messages", 405, "method_not_allowed"),
        ("PUT", "/api/v1/messages/m1", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("POST", "/api/v2/messages", 404, "not_found"),
        ("OPTIONS", "/api/v1/messages", 405, "method_not_allowed"),
    ],
)
async def test_nothing_at_a_path_has_the_same_shape(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)
    assert response.status == status
    assert (await response.json())["error"]["code"] == code
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/healthz"])
async def test_health_needs_no_key(client: Client, path: str) -> None:
    response = await client.get(path)
    assert (response.status, await response.json()) == (200, {"status": "ok"})


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "to", "from", "text", "data", "udh", "coding", "data_coding", "message_class", "tlvs", "dlt", "receipt",
    "callback_url", "client_reference", "validity_seconds", "priority",
]  # fmt: skip
NEARLY = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANY_JSON)).map(lambda fields: {**PLAIN, **fields})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(body=ANY_JSON | NEARLY | st.lists(NEARLY, max_size=5) | st.binary(max_size=60))
async def test_no_body_is_a_fault_of_ours(client: Client, body: object) -> None:
    status, answer = await post(client, body)
    assert status in (202, 400)
    if isinstance(answer, dict) and status == 400:
        assert set(answer["error"]) == {"code", "message", "field"}
