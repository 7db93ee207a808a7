"""What is reported in our own words, and who speaks for a dialect."""

from typing import Any

import pytest

from gateway.config import parse
from gateway.models import Callback, Message, Receipt, State
from gateway.reports import bookkeeping
from tests.gateway.fakes import NOW, callback_body, new_message


def message_in(state: State, **fields: Any) -> Message:
    values = {name: getattr(new_message(), name) for name in new_message().__struct_fields__}
    values |= {"id": "m1", "node": "n1", "created_at": NOW, "updated_at": NOW + 1, "state": state} | fields
    return Message(**values)


@pytest.mark.parametrize("state", list(State))
def test_the_native_report_is_owed_for_final_states_alone(state: State) -> None:
    book = bookkeeping(parse(""), {})
    callback = book.callback_for(message_in(state, callback_url="https://a.example/"), None)
    assert (callback is not None) == state.is_final


def test_the_native_report_says_what_became_of_the_message() -> None:
    book = bookkeeping(parse(""), {})
    done = Receipt(group="a", smsc_message_id="1", state=State.UNDELIVERABLE, done_at=NOW)
    message = message_in(State.UNDELIVERABLE, callback_url="https://a.example/", error="027", client_reference="r1")
    callback = book.callback_for(message, done)
    assert callback is not None
    assert callback_body(callback) == {
        "type": "message.status",
        "timestamp": "2027-01-15T08:00:01.000Z",
        "message": {
            "id": "m1",
            "state": "undeliverable",
            "to": "447700900123",
            "from": "SHOP",
            "client_reference": "r1",
            "error": "027",
            "part_count": 0,
            "in_doubt": False,
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:01.000Z",
            "done_at": "2027-01-15T08:00:00.000Z",
        },
    }


class Broken:
    """A dialect with a fault."""

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        raise KeyError("no such code")


class Terse:
    """A dialect that reports everything."""

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        return Callback(id="", account="", url=message.callback_url, body=message.state.value.encode())


def test_a_dialect_speaks_for_its_messages_and_ours_stands_in_for_its_faults() -> None:
    book = bookkeeping(parse(""), {"terse": Terse(), "broken": Broken()})
    terse = book.callback_for(message_in(State.SUBMITTED, dialect="terse"), None)
    assert terse is not None
    assert terse.body == b"submitted"
    broken = book.callback_for(message_in(State.DELIVERED, dialect="broken"), None)
    assert broken is not None
    assert callback_body(broken)["message"]["state"] == "delivered"
