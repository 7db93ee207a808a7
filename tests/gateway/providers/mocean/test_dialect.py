"""Mocean's answers, against the document's examples and the shapes that its SDKs read."""

import json
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidMessage, NoRoute, StoreError, StoreFull
from gateway.models import State
from gateway.providers.base import Refusal, WebAnswer, WebRequest
from gateway.providers.mocean import Mocean, MoceanOptions, spec
from gateway.providers.mocean.request import FORM
from tests.gateway.web.fakes import Behind

LOGIN = {"mocean-api-key": "KEY", "mocean-api-secret": "SECRET"}
PLAIN = {**LOGIN, "mocean-from": "63001", "mocean-to": "60173788399", "mocean-text": "Hello"}
JSON = {"mocean-resp-format": "json"}


@pytest.fixture
def behind() -> Behind:
    return Behind.fresh()


def request(fields: dict[str, str], path: str = "/rest/2/sms", method: str = "POST", **more: object) -> WebRequest:
    encoded = urlencode(fields).encode()
    if method == "GET":
        return WebRequest(method=method, path=path, query=encoded, **more)  # type: ignore[arg-type]
    return WebRequest(method=method, path=path, content_type=FORM, body=encoded, **more)  # type: ignore[arg-type]


async def answer(behind: Behind, fields: dict[str, str], path: str = "/rest/2/sms", method: str = "POST") -> WebAnswer:
    return await Mocean().answer(request(fields, path, method), behind.services)


async def test_accepted_message_in_json_is_the_documents_example(behind: Behind) -> None:
    said = await answer(behind, {**PLAIN, **JSON})
    assert (said.status, said.content_type) == (202, "application/json; charset=utf-8")
    assert said.body == b'{"messages":[{"status":0,"receiver":"60173788399","msgid":"m1"}]}'


async def test_accepted_message_is_xml_when_nothing_is_asked_for(behind: Behind) -> None:
    said = await answer(behind, PLAIN)
    assert (said.status, said.content_type) == (202, "application/xml; charset=utf-8")
    assert said.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<result><messages><message><status>0</status><receiver>60173788399</receiver><msgid>m1</msgid></message>"
        b"</messages></result>"
    )


async def test_version_1_has_no_wrapper_in_xml(behind: Behind) -> None:
    said = await answer(behind, PLAIN, "/rest/1/sms")
    assert said.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<result><message><status>0</status><receiver>60173788399</receiver><msgid>m1</msgid></message></result>"
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("version", ["1", "2"])
async def test_both_methods_and_versions_send(behind: Behind, method: str, version: str) -> None:
    said = await answer(behind, {**PLAIN, **JSON}, f"/rest/{version}/sms", method)
    assert (said.status, behind.intake.last.text) == (202, "Hello")


async def test_refused_login_in_json_is_the_documents_example(behind: Behind) -> None:
    said = await answer(behind, {**PLAIN, **JSON, "mocean-api-secret": "wrong"})
    assert said.status == 401
    assert said.body == b'{"messages":[{"status":1,"err_msg":"Authorization failed"}]}'
    assert behind.intake.calls == 0


async def test_refused_login_in_xml_is_flat(behind: Behind) -> None:
    said = await answer(behind, {**PLAIN, "mocean-api-key": ""})
    assert said.status == 401
    assert said.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<result><status>1</status><err_msg>Authorization failed</err_msg></result>"
    )


async def test_failures_of_version_1_are_200(behind: Behind) -> None:
    said = await answer(behind, {**PLAIN, **JSON, "mocean-api-key": "x"}, "/rest/1/sms")
    assert (said.status, json.loads(said.body)["messages"][0]["status"]) == (200, 1)


async def test_account_that_may_not_send_is_refused(behind: Behind) -> None:
    fields = {**PLAIN, **JSON, "mocean-api-token": "apit-reader"}
    assert (await answer(behind, fields)).status == 401


async def test_receivers_are_answered_one_by_one_in_order(behind: Behind) -> None:
    behind.intake.refuse["60122222222"] = NoRoute("no rule takes 60122222222")
    said = await answer(behind, {**PLAIN, **JSON, "mocean-to": "60111111111,none,60122222222,60133333333"})
    assert said.status == 202
    assert json.loads(said.body)["messages"] == [
        {"status": 0, "receiver": "60111111111", "msgid": "m1"},
        {"status": 28, "receiver": "none", "err_msg": spec.SMS_STATUS[28].text},
        {"status": 65, "receiver": "60122222222", "err_msg": "Destination not found"},
        {"status": 0, "receiver": "60133333333", "msgid": "m2"},
    ]


async def test_request_whose_every_receiver_fails_is_a_failure(behind: Behind) -> None:
    said = await answer(behind, {**PLAIN, **JSON, "mocean-to": "x,y"})
    assert (said.status, [item["status"] for item in json.loads(said.body)["messages"]]) == (400, [28, 28])
    assert behind.intake.calls == 0


@pytest.mark.parametrize(
    ("reason", "status", "http_status"),
    [
        (InvalidMessage("invalid_recipient", "", "recipient"), 28, 400),
        (InvalidMessage("sender_not_allowed", "", "sender"), 49, 400),
        (InvalidMessage("insufficient_balance", ""), 2, 402),
        (InvalidMessage("rate_limited", ""), 32, 429),
        (InvalidMessage("invalid_callback_url", "", "callback_url"), 20, 400),
        (InvalidMessage("a_new_code", "", "sender"), 44, 400),
        (InvalidMessage("a_new_code", ""), 24, 500),
    ],
)
async def test_reason_of_the_gateway_has_a_documented_status(
    behind: Behind, reason: InvalidMessage, status: int, http_status: int
) -> None:
    behind.intake.refuse["60173788399"] = reason
    said = await answer(behind, {**PLAIN, **JSON})
    assert (said.status, json.loads(said.body)["messages"][0]["status"]) == (http_status, status)


async def test_full_store_is_throttled_with_a_time_to_come_back(behind: Behind) -> None:
    behind.intake.fail = StoreFull(retry_after=2.0)
    said = await answer(behind, {**PLAIN, **JSON})
    assert (said.status, said.headers) == (429, (("Retry-After", "2"),))
    assert json.loads(said.body) == {"messages": [{"status": 32, "err_msg": "Message throttled"}]}


async def test_broken_store_is_a_system_error(behind: Behind) -> None:
    behind.intake.fail = StoreError("disk full at /var/lib/secret")
    said = await answer(behind, {**PLAIN, **JSON})
    assert (said.status, json.loads(said.body)["messages"][0]["status"]) == (500, 45)
    assert b"/var/lib" not in said.body


async def test_error_shape_both_serves_both_sdks(behind: Behind) -> None:
    dialect = Mocean(MoceanOptions(error_shape="both"))
    said = await dialect.answer(request({**PLAIN, **JSON, "mocean-api-key": "x"}), behind.services)
    assert said.body == (
        b'{"status":1,"err_msg":"Authorization failed","messages":[{"status":1,"err_msg":"Authorization failed"}]}'
    )
    said = await dialect.answer(request({**PLAIN, "mocean-api-key": "x"}), behind.services)
    assert b"<status>1</status><err_msg>Authorization failed</err_msg><messages><message>" in said.body
    said = await dialect.answer(request({**PLAIN, **JSON, "mocean-to": "x"}), behind.services)
    assert list(json.loads(said.body)) == ["status", "err_msg", "messages"]
    # Half a failure at the top level would make a client repeat the half that was sent.
    said = await dialect.answer(request({**PLAIN, **JSON, "mocean-to": "x,60173788399"}), behind.services)
    assert list(json.loads(said.body)) == ["messages"]


async def test_report_method_of_the_options_is_what_messages_carry(behind: Behind) -> None:
    dialect = Mocean(MoceanOptions(report_method="POST"))
    fields = {**PLAIN, "mocean-dlr-mask": "1", "mocean-dlr-url": "http://example.com/"}
    await dialect.answer(request(fields), behind.services)
    assert behind.intake.last.callback_method == "POST"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/rest/2/nothing"), ("DELETE", "/rest/2/sms"), ("GET", "/rest/3/sms"), ("GET", "/"), ("GET", "/rest/2/")],
)
async def test_unknown_request_has_the_error_shape(behind: Behind, method: str, path: str) -> None:
    said = await answer(behind, {**PLAIN, **JSON}, path, method)
    assert (said.status, json.loads(said.body)) == (404, {"status": 34, "err_msg": "Unknown request"})


async def test_unknown_format_is_refused_in_xml(behind: Behind) -> None:
    said = await answer(behind, {**PLAIN, "mocean-resp-format": "yaml"})
    assert ET.fromstring(said.body).findtext("status") == "34"  # noqa: S314 - our own words


@pytest.mark.parametrize(
    ("state", "message_status"),
    [
        (State.QUEUED, 4),
        (State.ENROUTE, 4),
        (State.IN_DOUBT, 4),
        (State.DELIVERED, 1),
        (State.EXPIRED, 3),
        (State.UNDELIVERABLE, 2),
        (State.FAILED, 2),
    ],
)
async def test_message_can_be_asked_after(behind: Behind, state: State, message_status: int) -> None:
    await answer(behind, PLAIN)
    behind.lookup.set_state("m1", state)
    said = await answer(behind, {**LOGIN, **JSON, "mocean-msgid": "m1"}, "/rest/2/report/message", "GET")
    assert said.status == 200
    assert json.loads(said.body) == {
        "status": 0,
        "message_status": message_status,
        "msgid": "m1",
        "credit_deducted": "0",
    }


async def test_message_report_in_xml_is_flat(behind: Behind) -> None:
    said = await answer(behind, {**LOGIN, "mocean-msgid": "none"}, "/rest/2/report/message", "GET")
    assert said.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<result><status>0</status><message_status>5</message_status>'
        b"<msgid>none</msgid><credit_deducted>0</credit_deducted></result>"
    )


@pytest.mark.parametrize(
    ("fields", "status"), [({}, 25), ({"mocean-msgid": "x" * 129}, 25), ({"mocean-msgid": "a\0b"}, 25)]
)
async def test_message_id_has_to_be_one(behind: Behind, fields: dict[str, str], status: int) -> None:
    said = await answer(behind, {**LOGIN, **JSON, **fields}, "/rest/2/report/message", "GET")
    assert (said.status, json.loads(said.body)["status"]) == (400, status)


@pytest.mark.parametrize(
    ("refusal", "http_status", "status"),
    [
        (Refusal.TOO_LARGE, 413, 29),
        (Refusal.TOO_SLOW, 408, 20),
        (Refusal.ENCODED, 415, 20),
        (Refusal.BROKEN, 400, 20),
        (Refusal.INTERNAL, 500, 45),
    ],
)
def test_unread_body_is_refused_in_the_format_of_the_query(refusal: Refusal, http_status: int, status: int) -> None:
    unread = WebRequest(method="POST", path="/rest/2/sms", query=b"mocean-resp-format=json")
    said = Mocean().refuse(unread, refusal)
    assert (said.status, json.loads(said.body)["messages"][0]["status"]) == (http_status, status)


def test_tables_hold_every_documented_code() -> None:
    documented = [0, 1, 2, 4, 5, 6, 8, 9, 10, 17, 19, 20, 23, 24, 26, 27, 28, 29, 32, 34, 37, 40, 43, 44, 45, 48, 49]
    assert sorted(spec.SMS_STATUS) == [*documented, 50, 65, 69, 70, 73]
    assert len(spec.DLR_ERROR) == 68
    assert set(spec.STATUS_BY_REASON.values()) | set(spec.STATUS_BY_FIELD.values()) <= set(spec.SMS_STATUS)
    assert set(spec.ERROR_BY_SMPP_STATUS.values()) <= set(spec.DLR_ERROR)


@given(written=st.text(max_size=60), media=st.sampled_from(["xml", "json"]))
async def test_answers_are_well_formed_whatever_was_written(written: str, media: str) -> None:
    fields = {**PLAIN, "mocean-to": written, "mocean-resp-format": media}
    body = (
        await answer(
            Behind.fresh(), {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}
        )
    ).body
    if media == "json":
        json.loads(body)
    else:
        assert ET.fromstring(body).tag == "result"  # noqa: S314 - our own words


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.sampled_from(["/rest/1/sms", "/rest/2/sms", "/rest/2/report/message"]),
    octets=st.binary(max_size=200),
    fields=st.dictionaries(
        st.sampled_from(
            ["from", "to", "text", "udh", "coding", "mclass", "charset", "validity", "schedule", "dlr-mask"]
        ),
        st.binary(max_size=30),
    ),
)
async def test_no_request_is_a_fault_of_ours(method: str, path: str, octets: bytes, fields: dict[str, bytes]) -> None:
    body = urlencode({**LOGIN, **{f"mocean-{name}": value for name, value in fields.items()}}).encode() + b"&" + octets
    said = await Mocean().answer(
        WebRequest(method=method, path=path, query=octets, content_type=FORM, body=body), Behind.fresh().services
    )
    assert said.status < 500
