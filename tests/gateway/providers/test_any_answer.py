"""Whatever a provider sends, its client side reads it or says what is wrong: nothing else gets out."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.models import Outcome
from gateway.providers import CONNECTORS
from gateway.providers.connecting import BadCallback, ConnectorSettings, HttpReply
from gateway.providers.seams import ChannelOrder, ChannelRefused, LookupFailed
from gateway.settings import Secret
from tests.gateway.providers.connectors import posted

SETTINGS = ConnectorSettings(key=Secret("k"), secret=Secret("s"), user="u", password=Secret("p"), service="T")
NAMES = [
    "status", "messages", "msgid", "err_msg", "message_status", "requestId", "errorCode", "errorReason", "id", "code",
    "error", "data", "message", "errors", "to", "from", "text", "timestamp", "event", "payload", "custom", "mobile",
    "deliv_at", "challenge", "channels", "recipient", "calls", "event_data", "phone_number", "original_network",
    "current_network", "mccmnc", "original_carrier", "ported", "phone", "is_ported", "number", "lookup_method", "key",
]  # fmt: skip
WORDS = st.sampled_from(["delivered", "DELIVRD", "0", "1", "-1", "999999999999999999999", "nan", "", "x", "é\x00"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode())
FIELDS = ["dlr-status", "msgid", "text", "coding", "from", "to", "time", "error-code"]
WRITTEN = ["1", "3", "", "x", "%FF", "00e9", "D800", "2018-12-30+23%3A59%3A59", "9" * 30, "-0"]
FORMS = st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(WRITTEN)), max_size=8).map(
    lambda pairs: "&".join(f"mocean-{name}={value}" for name, value in pairs).encode()
)
STATUSES = st.sampled_from([100, 200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 599, 999])


@pytest.mark.parametrize("kind", CONNECTORS)
@settings(deadline=None)
@given(body=BODIES, status=STATUSES, retry_after=WORDS)
def test_any_answer_is_read(kind: str, body: bytes, status: int, retry_after: str) -> None:
    connector = CONNECTORS[kind](SETTINGS)
    reply = HttpReply(status=status, body=body, headers={"Retry-After": retry_after})

    answered = connector.result(reply)
    polled = connector.polled("x", reply)

    assert (answered.result.outcome is Outcome.ACCEPTED) == bool(answered.result.smsc_message_id)
    assert 0 <= answered.result.retry_after <= 3600
    assert len(answered.result.error) < 400
    assert "\n" not in answered.result.error
    assert polled.receipt is None or polled.receipt.smsc_message_id == "x"
    connector.references(reply)
    connector.probed(reply)


@pytest.mark.parametrize("kind", CONNECTORS)
@settings(deadline=None)
@given(body=BODIES | FORMS, query=FORMS)
def test_any_callback_is_read_or_refused(kind: str, body: bytes, query: bytes) -> None:
    connector = CONNECTORS[kind](SETTINGS)
    request = posted(body, query=query)

    with contextlib.suppress(BadCallback):
        read = connector.callback(request)
        assert all(receipt.smsc_message_id for receipt in read.receipts)
        assert 1 <= read.parts <= 255
    connector.reach.channel_state(request)


@pytest.mark.parametrize("kind", CONNECTORS)
@settings(deadline=None)
@given(body=BODIES, status=STATUSES)
def test_any_answer_to_services_is_read_or_refused(kind: str, body: bytes, status: int) -> None:
    reach = CONNECTORS[kind](SETTINGS).reach
    reply = HttpReply(status=status, body=body)
    for method in reach.methods:
        with contextlib.suppress(LookupFailed):
            assert reach.looked_up("447700900123", method, reply).number == "447700900123"
    for channel in reach.channels:
        fields: dict[str, Any] = {"id": "o", "account": "a", "channel": channel, "number": "1", "code": "4711"}
        with contextlib.suppress(ChannelRefused):
            assert reach.ordered(ChannelOrder(**fields), reply).reference
