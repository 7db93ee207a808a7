"""The tables of the MOBtexting profile against the provider's own lists."""

import json
from pathlib import Path
from typing import Any

import pytest

from smpp.constants import CommandId
from smpp.correlator import IdRule
from smpp.errors import EncodeError
from smpp.pool import ThrottleScope
from smpp.profiles import MOBTEXTING, PROFILES, find_profile
from smpp.retry import RetryClass
from smpp.sms import split
from smpp.status import CommandStatus
from smpp.wire import Tlvs, dlt, tlv
from smpp.wire.pdu import DataSm, SubmitMulti, SubmitSm

_VECTORS = Path(__file__).parents[2] / "vectors" / "providers"
DLT = {"PE_ID": "1101000010000012345", "Template_ID": "1107161234567890123", "TM_ID": "1102"}


def _list(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_VECTORS / f"mobtexting_{name}.json").read_text(encoding="utf-8"))
    return rows


def _submit(to: str = "919876543210", tlvs: Tlvs | None = None, **fields: Any) -> SubmitSm:
    block = MOBTEXTING.tlvs_of(DLT) if tlvs is None else tlvs
    return SubmitSm(source_addr="INFO", destination_addr=to, tlvs=block, **{"short_message": b"hello", **fields})


def test_every_status_of_the_list_has_its_name() -> None:
    rows = _list("smpp_status")
    assert len(rows) == 56
    assert dict(MOBTEXTING.status_names) == {row["value"]: row["name"] for row in rows}
    assert all(int(row["code"], 16) == row["value"] for row in rows)
    for row in rows:
        assert MOBTEXTING.status_name(row["value"]) == row["name"]
        assert MOBTEXTING.status_number(row["name"]) == row["value"]
        assert f"{row['code']} {row['name']} (" in MOBTEXTING.describe_status(row["value"])


def test_every_receipt_error_of_the_list_has_its_word_and_a_meaning() -> None:
    rows = _list("dlr_status")
    assert len(rows) == 67
    assert {code: error.word for code, error in MOBTEXTING.receipt_errors.items()} == {
        row["code"]: row["status"] for row in rows
    }
    assert all(error.meaning for error in MOBTEXTING.receipt_errors.values())


def test_no_class_is_made_up_where_the_list_gives_no_reason() -> None:
    for row in _list("dlr_status"):
        if row["text"] == "Unknown Error":
            assert MOBTEXTING.receipt_errors[row["code"]].retry is None, row


def test_every_tlv_of_the_list_has_its_name_and_tag() -> None:
    rows = _list("tlv")
    assert {rule.tlv_type.name: rule.tlv_type.tag for rule in MOBTEXTING.tlv_rules} == {
        row["name"]: row["tag_dec"] for row in rows
    }
    for row in rows:
        assert MOBTEXTING.tlv_profile.names[row["tag_dec"]] == row["name"]


def test_statuses_that_nobody_listed_keep_their_number() -> None:
    assert MOBTEXTING.status_name(0x55F) == "0x0000055F"
    assert "0x0000055F" in MOBTEXTING.describe_status(0x55F)
    assert MOBTEXTING.status_number("ESME_RMSGQFUL") == CommandStatus.ESME_RMSGQFUL  # theirs is spelt otherwise
    with pytest.raises(ValueError, match="no command_status of mobtexting"):
        MOBTEXTING.status_number("ESME_RNOTHING")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("452", "452 TEMPLATE-NOT-FOUND: no template matches the text"),
        ("10", "10 ABSENT-SUB: the subscriber cannot be reached"),
        ("779", "779 (not in the list of mobtexting)"),
    ],
)
def test_receipt_errors_are_described(code: str, text: str) -> None:
    assert MOBTEXTING.describe_error(code) == text


def test_retry_classes_are_overrides_of_the_common_table() -> None:
    policy = MOBTEXTING.retry_policy()
    assert policy.classify(0x40B) is RetryClass.RETRY_LATER
    assert policy.classify(CommandStatus.ESME_RTHROTTLED) is RetryClass.THROTTLED
    assert MOBTEXTING.receipt_errors["463"].retry is RetryClass.THROTTLED
    assert MOBTEXTING.receipt_errors["404"].retry is RetryClass.PERMANENT
    assert MOBTEXTING.receipt_errors["013"].retry is RetryClass.RETRY_LATER


def test_settings_follow_from_the_profile() -> None:
    pool = MOBTEXTING.pool_config(window=50)
    assert (pool.binds_per_server, pool.parts_per_second_per_server) == (3, 50.0)
    assert pool.throttle_scope is ThrottleScope.SERVER
    assert pool.client == MOBTEXTING.client_config(window=50)
    assert pool.client.system_type == "smpp"
    assert pool.client.session.enquire_link_seconds == 60.0
    assert pool.client.session.window == 50
    assert pool.client.session.interface_version == 0x34
    assert MOBTEXTING.client_config().session.window == 100
    desk = MOBTEXTING.receipt_desk()
    assert desk.correlator.group == "mobtexting"
    assert desk.correlator.learned_rule is IdRule.AS_IS


def test_what_an_account_agreed_on_goes_before_what_is_usual() -> None:
    pool = MOBTEXTING.pool_config(binds_per_server=1, parts_per_second_per_server=200.0)
    assert (pool.binds_per_server, pool.parts_per_second_per_server) == (1, 200.0)


def test_urls_name_one_listener_of_each_server() -> None:
    assert MOBTEXTING.urls() == ("smpps://smpp1.txtsms.me:3635", "smpps://smpp2.txtsms.me:3635")
    assert MOBTEXTING.urls(tls=False) == ("smpp://smpp1.txtsms.me:3634", "smpp://smpp2.txtsms.me:3634")
    with pytest.raises(ValueError, match="names no smpps"):
        PROFILES["standard"].urls()


def test_profiles_are_found_by_name() -> None:
    assert find_profile("Mobtexting") is MOBTEXTING
    with pytest.raises(ValueError, match="standard, mobtexting"):
        find_profile("mobtext")


def test_good_messages_pass() -> None:
    MOBTEXTING.check(_submit())
    MOBTEXTING.check(_submit(to="447700900123", tlvs=Tlvs()))
    MOBTEXTING.check(_submit(tlvs=Tlvs.of(dlt.pe_id("1101"), dlt.template_id("1107"), dlt.tm_id("a0" * 32))))
    payload = tlv.message_payload(b"hello")
    MOBTEXTING.check(DataSm(destination_addr="919876543210", tlvs=MOBTEXTING.tlvs_of(DLT).with_(payload)))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (_submit(tlvs=Tlvs()), r"submit_sm\.PE_ID TLV 0x1400 is missing"),
        (_submit(to="+919876543210", tlvs=Tlvs()), r"submit_sm\.PE_ID TLV 0x1400 is missing"),
        (_submit(tlvs=MOBTEXTING.tlvs_of(DLT).without(0x1401)), r"submit_sm\.Template_ID TLV 0x1401 is missing"),
        (_submit(tlvs=MOBTEXTING.tlvs_of(DLT).without(0x1402)), r"submit_sm\.TM_ID TLV 0x1402 is missing"),
        (_submit(tlvs=Tlvs([(0x1400, b"")])), r"submit_sm\.PE_ID is empty"),
        (_submit(tlvs=Tlvs([(0x1400, b"11 01")])), r"submit_sm\.PE_ID is '11 01', expected ASCII digits"),
        (_submit(tlvs=Tlvs([(0x1400, b"\xb2")])), r"submit_sm\.PE_ID is '²', expected ASCII digits"),
        (_submit(tlvs=Tlvs([(0x1400, b"1" * 31)])), r"submit_sm\.PE_ID has 31 digits, at most 30"),
        # Ill-formed is ill-formed, whether or not the recipient needs it.
        (_submit(to="4477", tlvs=Tlvs([(0x1402, b"xyz")])), r"submit_sm\.TM_ID is 'xyz', .* or 64 hexadecimal digits"),
        (SubmitMulti(), r"submit_multi is not taken; data_sm, submit_sm are"),
        (_submit(short_message=b"a" * 161), r"submit_sm\.short_message has 161 characters, at most 160"),
        (_submit(short_message=b"a" * 161, data_coding=1), r"has 161 characters, at most 160"),
        (_submit(short_message=b"\0a" * 71, data_coding=8), r"submit_sm\.short_message has 142 octets, at most 140"),
        (
            _submit(short_message=b"\5\0\3\1\2\1" + b"a" * 154, esm_class=0x40),
            r"short_message has 154 characters, at most 153",
        ),
        (
            DataSm(tlvs=Tlvs.of(tlv.message_payload(b"a" * 161))),
            r"data_sm\.message_payload has 161 characters, at most 160",
        ),
    ],
)
def test_what_the_provider_refuses_is_refused_here(message: SubmitSm | SubmitMulti | DataSm, text: str) -> None:
    with pytest.raises(EncodeError, match=text):
        MOBTEXTING.check(message)


@pytest.mark.parametrize("text", ["a" * 160, "a" * 900, "€" * 300, "नमस्ते" * 40])
def test_what_split_makes_with_the_options_of_the_profile_fits(text: str) -> None:
    for part in split(text, reference=7, **MOBTEXTING.split_options()):
        MOBTEXTING.check(
            _submit(short_message=part.short_message, data_coding=part.data_coding, esm_class=part.esm_class)
        )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"PE": "1"}, "has no TLV 'PE': it has PE_ID, Template_ID, TM_ID"),
        ({"PE_ID": "abc"}, "TLV PE_ID is 'abc', expected ASCII digits"),
        ({"TM_ID": ""}, "TLV TM_ID is empty"),
    ],
)
def test_tlvs_are_checked_when_they_are_made(values: dict[str, str], text: str) -> None:
    with pytest.raises(EncodeError, match=text):
        MOBTEXTING.tlvs_of(values)


def test_tlvs_are_written_as_c_octet_strings() -> None:
    assert list(MOBTEXTING.tlvs_of({"pe_id": "1101"})) == [(0x1400, b"1101\0")]


def test_the_standard_profile_refuses_nothing() -> None:
    standard = PROFILES["standard"]
    for message in (SubmitMulti(), _submit(tlvs=Tlvs(), short_message=b"a" * 254), DataSm()):
        standard.check(message)
    assert standard.commands == {CommandId.SUBMIT_SM, CommandId.SUBMIT_MULTI, CommandId.DATA_SM}
    assert standard.describe_error("001") == "001 (not in the list of standard)"
