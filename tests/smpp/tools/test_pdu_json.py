"""PDUs as JSON objects and back."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from smpp.errors import EncodeError
from smpp.tools.pdu_json import from_json, holds_password, pdus_in, to_json
from smpp.wire import decode, dlt, encode
from smpp.wire.pdu import BindTransceiver, EnquireLink, Message, SubmitSm
from tests.smpp.wire.golden import GOLDEN
from tests.smpp.wire.strategies import messages
from tests.vectors.load import Row, conformance_rows, malformed_rows

BIND = "00000022 00000009 00000000 00000001 65736D65 00  68756E74657232 00  00  34 00 00  00"


def octets(text: str) -> bytes:
    body = bytes.fromhex(text)
    return len(body).to_bytes(4) + body[4:]


# PDU to JSON


def test_request_has_all_its_fields() -> None:
    pdu = octets(
        "00000000 00000004 00000000 00000001 00 05 00 494E464F 00 01 01 3434 00 40 00 00 00 00 01 00 08 00 02 00E9"
        "1400 0002 3131  0204 0002 0007"
    )
    assert to_json(pdu) == {
        "command": "submit_sm",
        "command_status": 0,
        "sequence_number": 1,
        "fields": {
            "service_type": "",
            "source_addr_ton": 5,
            "source_addr_npi": 0,
            "source_addr": "INFO",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "44",
            "esm_class": 64,
            "protocol_id": 0,
            "priority_flag": 0,
            "schedule_delivery_time": "",
            "validity_period": "",
            "registered_delivery": 1,
            "replace_if_present_flag": 0,
            "data_coding": 8,
            "sm_default_msg_id": 0,
            "short_message": "00e9",
        },
        "tlvs": [
            {"tag": 5120, "name": "", "value": "3131"},
            {"tag": 516, "name": "user_message_reference", "value": "0007"},
        ],
        "hex": pdu.hex(),
    }
    assert to_json(pdu, profile=dlt.PROFILE)["tlvs"][0]["name"] == "PE_ID"


@pytest.mark.parametrize(
    ("pdu", "fields"),
    [
        ("00000000 80000004 00000058 00000001", {}),
        ("00000000 80000004 00000058 00000001 00", {"message_id": ""}),
        ("00000000 80000004 00000000 00000001 3137E9 00", {"message_id": "17é"}),
        ("00000000 80000005 00000000 00000001", {}),
        ("00000000 80000003 00000000 00000001 37 00 00 02", {"message_id": "7", "final_date": "", "message_state": 2}),
        (
            "00000000 80000021 00000000 00000001 37 00 01 01 01 34 00 0000000B",
            {"message_id": "7", "unsuccess_sme": [[1, 1, "4", 11]]},
        ),
    ],
)
def test_field_that_is_not_on_the_wire_is_absent_and_an_empty_one_is_not(pdu: str, fields: dict[str, Any]) -> None:
    item = to_json(octets(pdu))
    assert item["fields"] == fields
    assert from_json(item) == octets(pdu)


def test_destinations_are_tagged_arrays() -> None:
    pdu = octets("00000000 00000021 00000000 00000001 00 0000 00 02 01 0101 34 00 02 41 00 000000 00 00 00 00 00 00 00")
    item = to_json(pdu)
    assert item["fields"]["dest_address"] == [[1, 1, 1, "4"], [2, "A"]]
    assert "number_of_dests" not in item["fields"]
    assert from_json(item) == pdu


@pytest.mark.parametrize(
    ("pdu", "error", "status", "fatal"),
    [
        ("00000010 00000FFF 00000000 00000001", "unknown command 0x00000FFF", 3, False),
        ("00000010 00000004 00000000 00000001", "submit_sm has no body", 2, False),
        ("00000011 00000015 00000000 00000001", "command_length is 17 but there are 16 octets", 2, True),
        ("0000", "2 octets are no PDU: the header has 16", 2, True),
        ("", "0 octets are no PDU: the header has 16", 2, True),
        ("00000012 00000004 00000000 00000001 4142", "service_type has no NUL at its end", 21, False),
    ],
)
def test_what_cannot_be_decoded_says_what_an_smsc_would_answer(pdu: str, error: str, status: int, fatal: bool) -> None:
    assert to_json(bytes.fromhex(pdu)) == {
        "error": error,
        "command_status": status,
        "fatal": fatal,
        "hex": pdu.replace(" ", "").lower(),
    }


def test_requests_are_read_strictly_unless_told_otherwise() -> None:
    overlong = octets("00000000 00000003 00000000 00000001 00 0000" + "31" * 30 + "00")
    assert to_json(overlong)["command_status"] == 0x0A
    assert to_json(overlong, strict=False)["fields"]["source_addr"] == "1" * 30


@pytest.mark.parametrize("row", conformance_rows(), ids=lambda row: row["id"])
def test_rows_of_other_implementations_become_their_intent_and_come_back(row: Row) -> None:
    item = json.loads(msgspec.json.encode(to_json(bytes.fromhex(row["hex"]))))
    assert item["hex"] == row["hex"]
    if "error" in item:
        assert row["strict_decode"] != "ok" or row["id"] in ("aio-0013", "aio-0046")  # 76 quarter hours
        return
    assert item["command"] == row["type"]
    if row.get("spec_bytes") == "exact":
        intent = row["intent"]
        assert item["fields"] == intent["fields"]
        assert (item["command_status"], item["sequence_number"]) == (intent["status"], intent["sequence"])
        assert [[tlv["tag"], tlv["value"]] for tlv in item["tlvs"]] == [
            [tag, value] for tag, _, value in intent["tlvs"]
        ]
    if row["strict_decode"] == "ok":
        assert from_json(item).hex() == row["hex"]


@pytest.mark.parametrize("row", [row for row in malformed_rows() if "hex" in row], ids=lambda row: row["id"])
def test_malformed_rows_become_objects(row: Row) -> None:
    item = to_json(bytes.fromhex(row["hex"]))
    assert set(item) in (
        {"command", "command_status", "sequence_number", "fields", "tlvs", "hex"},
        {"error", "command_status", "fatal", "hex"},
    )


@given(messages)
def test_any_pdu_comes_back(message: Message) -> None:
    pdu = encode(message, 7, 1)
    assert from_json(json.loads(msgspec.json.encode(to_json(pdu)))) == pdu


# Secrets


def test_password_is_masked_in_its_field_and_in_hex_on_request() -> None:
    pdu = octets(BIND)
    item = to_json(pdu, mask_secrets=True)
    assert item["fields"]["password"] == "***"
    assert item["hex"] == "00000022000000090000000000000001" + "65736d6500" + "2a" * 7 + "00" + "00" + "340000" + "00"
    assert "hunter2" not in str(item)
    assert b"hunter2".hex() not in str(item)
    masked = decode(bytes.fromhex(item["hex"])).message
    assert isinstance(masked, BindTransceiver)
    assert masked.system_id == "esme"


def test_password_is_whole_without_it() -> None:
    item = to_json(octets(BIND))
    assert item["fields"]["password"] == "hunter2"
    assert from_json(item) == octets(BIND)


def test_password_of_a_bind_that_cannot_be_decoded_is_masked_in_hex() -> None:
    for length in range(len(octets(BIND))):
        item = to_json(octets(BIND)[:length], mask_secrets=True)
        assert b"hu".hex() not in item["hex"]


def test_masked_object_is_not_encoded() -> None:
    with pytest.raises(
        EncodeError, match=r"bind_transceiver\.password is masked; decode with --show-secrets to get it"
    ):
        from_json(to_json(octets(BIND), mask_secrets=True))


def test_pdu_with_a_password_is_told_from_one_without() -> None:
    assert holds_password(octets(BIND))
    assert not holds_password(octets("00000000 00000009 00000000 00000001 65 00 00 00 34 00 00 00"))
    assert not holds_password(encode(EnquireLink(), 1))


# JSON to PDU


def test_left_out_fields_of_a_request_have_their_defaults() -> None:
    assert from_json({"command": "submit_sm"}) == encode(SubmitSm(), 1)


def test_counts_names_and_unknown_keys_are_ignored() -> None:
    item = {
        "command": "submit_sm",
        "sequence_number": 5,
        "fields": {"sm_length": 99, "short_message": "4869"},
        "tlvs": [{"tag": 516, "name": "wrong", "value": "0007"}],
        "hex": "00",
        "time": "now",
    }
    assert from_json(item)[16:].hex() == "00" * 16 + "02" + "4869" + "020400020007"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (5, "a PDU is an object, not a number"),
        ([], "a PDU is an object, not an array"),
        ({}, '"command" is None, not a command such as "submit_sm"'),
        ({"command": "submit"}, "\"command\" is 'submit', not a command such as"),
        ({"command": 4}, '"command" is 4, not a command such as'),
        ({"error": "x", "hex": ""}, "this object describes a PDU that could not be decoded"),
        ({"command": "submit_sm", "fields": []}, 'submit_sm: "fields" is an array, not an object'),
        ({"command": "submit_sm", "tlvs": {}}, 'submit_sm: "tlvs" is an object, not an array'),
        ({"command": "query_sm", "fields": {"x": 1}}, "query_sm has no field 'x'; its fields are message_id, source_"),
        ({"command": "unbind", "fields": {"x": 1}}, "unbind has no field 'x'; its fields are none"),
        ({"command": "unbind", "tlvs": [{"tag": 1, "value": ""}]}, "unbind has no TLVs"),
        ({"command": "submit_sm", "sequence_number": "1"}, '"sequence_number" is a string, not a number'),
        ({"command": "submit_sm", "sequence_number": True}, '"sequence_number" is a boolean, not a number'),
        ({"command": "submit_sm", "command_status": None}, '"command_status" is null, not a number'),
        ({"command": "submit_sm", "sequence_number": -1}, "sequence_number -1 and command_status 0 have 32 bits each"),
        ({"command": "submit_sm", "fields": {"short_message": "zz"}}, "submit_sm.short_message is no hex"),
        ({"command": "submit_sm", "fields": {"short_message": 1}}, "submit_sm.short_message is a number, not hex"),
        ({"command": "submit_sm", "fields": {"esm_class": "1"}}, "submit_sm.esm_class cannot hold '1'"),
        ({"command": "submit_sm", "fields": {"esm_class": 1.5}}, "submit_sm.esm_class cannot hold 1.5 (float)"),
        ({"command": "submit_sm", "fields": {"esm_class": True}}, "submit_sm.esm_class cannot hold a boolean"),
        ({"command": "submit_sm", "fields": {"esm_class": 256}}, "submit_sm.esm_class holds 0 to 255, not 256"),
        ({"command": "submit_sm", "fields": {"source_addr": None}}, "submit_sm.source_addr cannot hold None"),
        ({"command": "submit_sm", "tlvs": [1]}, 'submit_sm.tlvs[0] is not {"tag": number, "value": hex}'),
        ({"command": "submit_sm", "tlvs": [{"tag": "1", "value": ""}]}, 'submit_sm.tlvs[0] is not {"tag": number'),
        ({"command": "submit_sm", "tlvs": [{"tag": 1, "value": "0"}]}, "submit_sm.tlvs[0].value is no hex"),
        ({"command": "submit_sm", "tlvs": [{"tag": 65536, "value": ""}]}, "submit_sm.tlvs: a TLV's tag is 0 to 0xFFFF"),
        ({"command": "submit_multi"}, "submit_multi.dest_addresses holds 1 to 254 destinations, not 0"),
        ({"command": "submit_multi", "fields": {"dest_address": {}}}, "submit_multi.dest_address is an object, not an"),
        (
            {"command": "submit_multi", "fields": {"dest_address": [[3, "x"]]}},
            "dest_address[0] is neither [1, ton, npi",
        ),
        (
            {"command": "submit_multi_resp", "fields": {"unsuccess_sme": [[1]]}},
            "unsuccess_sme[0] is not [ton, npi, add",
        ),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_object_that_is_no_pdu_says_why(item: object, text: str) -> None:
    with pytest.raises(EncodeError) as error:
        from_json(item)
    assert text in str(error.value)


# Several PDUs in a row


@pytest.mark.parametrize(
    ("row", "lengths"),
    [
        ("00000010 00000015 00000000 00000001", [16]),
        ("00000010 00000015 00000000 00000001" * 3, [16, 16, 16]),
        ("00000010 00000015 00000000 00000001 00", [17]),
        ("00000010 00000015 00000000 00000001 00000001", [20]),
        ("00000011 00000015 00000000 00000001", [16]),
        ("", [0]),
    ],
)
def test_octets_are_taken_apart_only_if_they_are_whole_pdus(row: str, lengths: list[int]) -> None:
    assert [len(pdu) for pdu in pdus_in(bytes.fromhex(row))] == lengths


def test_golden_pdus_in_a_row_are_taken_apart() -> None:
    all_of_them = [bytes.fromhex(pdu) for *_, pdu in GOLDEN]
    assert pdus_in(b"".join(all_of_them)) == all_of_them
