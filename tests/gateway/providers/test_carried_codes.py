"""Codes that only a network or an operator can cause: read from the receipt or the answer that has them.

Told in the dialect's words; every row of those tables is produced by its own code, none by another's.
"""

import json
from typing import Any, Final
from urllib.parse import parse_qs

import pytest

from gateway.models import Message, Receipt, State
from gateway.providers.checkmobi import answers as checkmobi
from gateway.providers.checkmobi import spec as checkmobi_spec
from gateway.providers.lanck import answers as lanck
from gateway.providers.lanck import spec as lanck_spec
from gateway.providers.mobtexting import answers as mobtexting
from gateway.providers.mobtexting import codes as mobtexting_codes
from gateway.providers.mobtexting import reports as mobtexting_reports
from gateway.providers.mobtexting import spec as mobtexting_spec
from gateway.providers.mocean import lookup, reports, spec
from gateway.providers.ports import NetworkInfo
from smpp.status import CommandStatus

NAMES: Final = {status.value: status.name for status in CommandStatus}
URL: Final = "https://app.example.net/report"


def message(state: State, *, error: str = "", dialect: str = "mocean") -> Message:
    return Message(
        account="shop",
        id="m1",
        node="n",
        recipient="447400123456",
        sender="INFO",
        text="Hi",
        state=state,
        error=error,
        dialect=dialect,
        callback_url=URL,
        created_at=1_700_000_000.0,
        updated_at=1_700_000_060.0,
        part_count=1,
    )


def receipt(state: State, error: str) -> Receipt:
    return Receipt(group="g", smsc_message_id="1", state=state, error=error)


# Mocean.


def mocean_report(one: Message, came: Receipt | None) -> tuple[str, str]:
    made = reports.receipt_callback(one, came, "PUT")
    assert made is not None
    fields = parse_qs(made.body.decode())
    return fields["mocean-dlr-status"][0], fields["mocean-error-code"][0]


@pytest.mark.parametrize("code", [code for code in spec.DLR_ERROR if code])
def test_each_of_moceans_errors_is_told_as_the_receipt_has_it(code: int) -> None:
    came = receipt(State.UNDELIVERABLE, f"{code:03d}")
    assert mocean_report(message(State.UNDELIVERABLE, error=came.error), came) == ("2", str(code))
    # And where nobody has the receipt any more, as the message keeps it.
    assert mocean_report(message(State.UNDELIVERABLE, error=came.error), None) == ("2", str(code))


def test_a_delivered_message_has_no_error() -> None:
    assert mocean_report(message(State.DELIVERED), receipt(State.DELIVERED, "000")) == ("1", "0")


def test_an_error_that_mocean_has_no_row_for_is_unknown() -> None:
    assert mocean_report(message(State.EXPIRED), receipt(State.EXPIRED, "999")) == ("3", "255")


@pytest.mark.parametrize(("state", "status"), list(spec.REPORT_BY_STATE.items()))
def test_each_final_state_has_a_status_of_mocean(state: State, status: int) -> None:
    assert mocean_report(message(state), None)[0] == str(status)
    assert set(spec.REPORT_BY_STATE.values()) == {1, 2, 3}


@pytest.mark.parametrize(("name", "code"), list(spec.ERROR_BY_SMPP_STATUS.items()))
def test_what_an_smsc_says_to_a_submission_is_told_as_mocean_would(name: str, code: int) -> None:
    assert CommandStatus[name].name == name and code in spec.DLR_ERROR
    one = message(State.REJECTED, error=f"refused by the SMSC ({name})")
    assert mocean_report(one, None) == ("2", str(code))


def test_every_status_of_a_message_can_be_told() -> None:
    assert {*spec.MESSAGE_STATUS.values(), spec.MESSAGE_NOT_FOUND} == set(spec.MESSAGE_STATUS_TEXT)


def test_a_look_up_that_failed_is_reported_as_an_unknown_error() -> None:
    made = lookup.callback(NetworkInfo(id="n1", number="447400123456"), URL, "job1", "the provider gave no answer")
    assert parse_qs(made.body.decode())["status"] == ["24"]


# MOBtexting.


def mobtexting_word(one: Message) -> str:
    made = mobtexting_reports.receipt_callback(one)
    assert made is not None
    content: dict[str, Any] = json.loads(made.body)
    return str(content["status"])


@pytest.mark.parametrize("code", [code for code in mobtexting_spec.DLR_STATUSES if int(code)])
def test_each_of_mobtextings_statuses_is_told_as_the_receipt_has_it(code: str) -> None:
    word = mobtexting_spec.DLR_STATUSES[code].word
    # An operator of its kind writes the code, or the word itself.
    assert mobtexting_word(message(State.UNDELIVERABLE, error=code, dialect="mobtexting")) == word
    assert mobtexting_word(message(State.UNDELIVERABLE, error=word, dialect="mobtexting")) == word


def test_a_delivered_message_is_so_whatever_its_receipt_has_beside() -> None:
    assert mobtexting_word(message(State.DELIVERED, error="000", dialect="mobtexting")) == "DELIVRD"


@pytest.mark.parametrize("value", [value for value in mobtexting_codes.SMPP_STATUSES if value])
def test_whatever_an_smsc_answers_has_a_word_of_mobtexting(value: int) -> None:
    known = {row.word for row in mobtexting_spec.DLR_STATUSES.values()} | set(mobtexting.WORD_BY_STATE.values())
    name = NAMES.get(value, f"0x{value:08X}")
    one = message(State.REJECTED, error=f"refused by the SMSC ({name})", dialect="mobtexting")
    assert mobtexting_word(one) in known


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_word_of_mobtexting(state: State) -> None:
    assert mobtexting.word_of(message(state, dialect="mobtexting"))


# Lanck and CheckMobi.

LANCK_ELSEWHERE: Final = {"ANSWERED": "a call's, which is the provider's: it is relayed as it comes"}


def test_every_status_of_lanck_is_told_of_a_message() -> None:
    told = set()
    for state in State:
        made = lanck.receipt_callback(message(state, dialect="lanck"))
        if made is not None:
            told.add(json.loads(made.body)["status"])
    assert told | set(LANCK_ELSEWHERE) == set(lanck_spec.STATUSES)


def test_every_status_of_checkmobi_is_told_of_a_message() -> None:
    told = {str(checkmobi.message_record(message(state, dialect="checkmobi"))["status"]) for state in State}
    assert told == set(checkmobi_spec.SMS_STATUSES)


@pytest.mark.parametrize("said", list(checkmobi_spec.REACHABILITY))
def test_each_reachability_of_checkmobi_is_told_as_the_network_said_it(said: str) -> None:
    info = NetworkInfo(id="n1", number="447400123456", raw={"reachable": said})
    assert checkmobi._reachability(info) == said


@pytest.mark.parametrize(("is_reachable", "said"), [(True, "connected"), (False, "absent"), (None, "inconclusive")])
def test_other_providers_answers_have_a_reachability_too(is_reachable: bool | None, said: str) -> None:
    info = NetworkInfo(id="n1", number="447400123456", is_reachable=is_reachable)
    assert checkmobi._reachability(info) == said


def test_every_kind_of_number_has_a_type() -> None:
    assert {*checkmobi.TYPE_BY_KIND.values(), "unknown"} == set(checkmobi_spec.NUMBER_TYPES)
