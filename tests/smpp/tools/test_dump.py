"""What a person sees of a PDU."""

import pytest

from smpp.tools.dump import dump
from smpp.wire import Tlvs, dlt, encode, tlv
from smpp.wire.pdu import (
    DataSm,
    DeliverSm,
    EnquireLink,
    Message,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from smpp.wire.types import SmeAddress
from tests.smpp.wire.golden import GOLDEN
from tests.vectors.load import Row, conformance_rows, malformed_rows

SUBMIT = """\
submit_sm #258, 58 octets (SMPP v3.4 §4.4.1)
0000  00 00 00 3a              §5.1.1     command_length                  58
0004  00 00 00 04              §5.1.2     command_id                      0x00000004 submit_sm
0008  00 00 00 00              §5.1.3     command_status                  0x00000000 ESME_ROK
000c  00 00 01 02              §5.1.4     sequence_number                 258
0010  00                       §5.2.11    service_type                    ''
0011  05                       §5.2.5     source_addr_ton                 5 alphanumeric
0012  00                       §5.2.6     source_addr_npi                 0 unknown
0013  49 4e 46 4f 00           §5.2.8     source_addr                     'INFO'
0018  01                       §5.2.5     dest_addr_ton                   1 international
0019  01                       §5.2.6     dest_addr_npi                   1 ISDN
001a  34 34 37 37 30 30 00     §5.2.9     destination_addr                '447700'
0021  00                       §5.2.12    esm_class                       0x00
0022  00                       §5.2.13    protocol_id                     0
0023  00                       §5.2.14    priority_flag                   0
0024  00                       §5.2.15    schedule_delivery_time          ''
0025  00                       §5.2.16    validity_period                 ''
0026  01                       §5.2.17    registered_delivery             0x01 receipt
0027  00                       §5.2.18    replace_if_present_flag         0
0028  08                       §5.2.19    data_coding                     0x08 UCS2
0029  00                       §5.2.20    sm_default_msg_id               0
002a  04                       §5.2.21    sm_length                       4
002b  00 e9 20 ac              §5.2.22    short_message                   'é€'
002f  14 00                    §5.3.1     tlvs[0].tag                     0x1400 PE_ID
0031  00 07                    §3.2.4.1   tlvs[0].length                  7
0033  31 31 30 31 32 33 34     §5.3.2     tlvs[0].PE_ID                   '1101234'\
"""

BIND = """\
bind_transceiver #1, 37 octets (SMPP v3.4 §4.1.5)
0000  00 00 00 25              §5.1.1     command_length                  37
0004  00 00 00 09              §5.1.2     command_id                      0x00000009 bind_transceiver
0008  00 00 00 00              §5.1.3     command_status                  0x00000000 ESME_ROK
000c  00 00 00 01              §5.1.4     sequence_number                 1
0010  65 73 6d 65 00           §5.2.1     system_id                       'esme'
0015  ** ** ** ** ** ** ** **  §5.2.2     password                        '***'
001d  ** **
001f  00                       §5.2.3     system_type                     ''
0020  34                       §5.2.4     interface_version               0x34 v3.4
0021  00                       §5.2.5     addr_ton                        0 unknown
0022  00                       §5.2.6     addr_npi                        0 unknown
0023  34 00                    §5.2.7     address_range                   '4'\
"""

CUT = """\
18 octets that cannot be decoded
0000  00 00 00 12              §5.1.1     command_length                  18
0004  00 00 00 03              §5.1.2     command_id                      0x00000003 query_sm
0008  00 00 00 00              §5.1.3     command_status                  0x00000000 ESME_ROK
000c  00 00 00 01              §5.1.4     sequence_number                 1
0010  41 42                               unread                          message_id cannot be read
fault: message_id has no NUL at its end: an SMSC answers 0x0000000C ESME_RINVMSGID (Message ID is invalid)\
"""

RESPONSE = """\
submit_sm_resp #7, 0x00000058 ESME_RTHROTTLED (Throttling error (ESME has exceeded allowed message limits)), \
16 octets (SMPP v3.4 §4.4.2)
0000  00 00 00 10              §5.1.1     command_length                  16
0004  80 00 00 04              §5.1.2     command_id                      0x80000004 submit_sm_resp
0008  00 00 00 58              §5.1.3     command_status                  0x00000058 ESME_RTHROTTLED
000c  00 00 00 07              §5.1.4     sequence_number                 7\
"""


def test_message_is_shown_with_its_text() -> None:
    message = SubmitSm(
        source_addr_ton=5,
        source_addr="INFO",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="447700",
        registered_delivery=1,
        data_coding=8,
        short_message="é€".encode("utf-16-be"),
        tlvs=Tlvs.of(dlt.pe_id("1101234")),
    )
    assert "\n".join(dump(encode(message, 258), profile=dlt.PROFILE)) == SUBMIT


def test_password_is_masked_in_value_and_octets() -> None:
    pdu = bytes.fromhex("00000025 00000009 00000000 00000001 65736D65 00") + b"very-bad2\0" + b"\0\x34\0\0" + b"4\0"
    assert "\n".join(dump(pdu, strict=False)) == BIND
    assert "'very-bad2'" in "\n".join(dump(pdu, strict=False, show_secrets=True))


def test_pdu_that_breaks_off_is_shown_up_to_there_with_the_answer_of_an_smsc() -> None:
    assert "\n".join(dump(bytes.fromhex("00000012 00000003 00000000 00000001 4142"))) == CUT


def test_status_of_a_response_stands_in_the_first_line() -> None:
    assert "\n".join(dump(encode(SubmitSmResp(), 7, 0x58))) == RESPONSE


def test_broadcast_says_that_it_is_of_v5_0() -> None:
    first, *lines = dump(bytes.fromhex("00000017 00000112 00000000 0000000D 6231 00  00 00  31 00"))
    assert first == "query_broadcast_sm #13, 23 octets (SMPP v5.0 §4.6.1)"
    assert len(lines) == 8


def test_request_is_judged_strictly_unless_told_otherwise() -> None:
    pdu = bytes.fromhex("00000033 00000003 00000000 00000001 00 0000") + b"1" * 31 + b"\0"
    assert list(dump(pdu))[-1].startswith(
        "fault: source_addr has 32 octets with its NUL, at most 21 are allowed: an SM"
    )
    assert not any(line.startswith("fault") for line in dump(pdu, strict=False))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (SubmitSm(short_message=b"Hi @ \x00"), "'Hi ¡ @'"),
        (SubmitSm(short_message=b"caf\xe9", data_coding=3), "'café'"),
        (SubmitSm(short_message=b""), ""),
        (
            SubmitSm(esm_class=0x40, short_message=b"\x05\x00\x03\x07\x03\x02Hello"),
            "'Hello' (part 2 of 3, reference 7)",
        ),
        (
            SubmitSm(esm_class=0x40, short_message=b"\x06\x05\x04\x0b\x84\x23\xf0\x01\x02", data_coding=4),
            "'\\x01\\x02' (behind a UDH of 7 octets)",
        ),
        (SubmitSm(esm_class=0x40, short_message=b"\x50AB"), "'PAB' (its UDH cannot be read)"),
        (DeliverSm(short_message=b"Hi"), "'Hi'"),
        (SubmitMulti(dest_addresses=(SmeAddress(),), short_message=b"Hi"), "'Hi'"),
        (ReplaceSm(short_message=b"Hi"), "'Hi'"),
    ],
)
def test_text_is_shown_as_its_coding_says(message: Message, shown: str) -> None:
    (line,) = [line for line in dump(encode(message, 1)) if " short_message " in line or line.endswith("short_message")]
    assert line.partition("short_message")[2].strip() == shown


def test_data_coding_0_means_what_the_smsc_says() -> None:
    pdu = encode(SubmitSm(short_message=b"caf\xe9 @"), 1)
    assert any("'café @'" in line for line in dump(pdu, default_alphabet="latin1"))


def test_message_payload_is_text_too_and_takes_as_many_lines_as_it_needs() -> None:
    pdu = encode(DataSm(data_coding=3, tlvs=Tlvs.of(tlv.message_payload(b"abcdefghijklmnopqrst"))), 1)
    assert list(dump(pdu))[-3:] == [
        "001e  61 62 63 64 65 66 67 68  §5.3.2.32  tlvs[0].message_payload         'abcdefghijklmnopqrst'",
        "0026  69 6a 6b 6c 6d 6e 6f 70",
        "002e  71 72 73 74",
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            DeliverSm(
                esm_class=4,
                short_message=b"id:17a9 submit date:2607220900 done date:2607220905 stat:DELIVRD err:000",
            ),
            "receipt: id '17a9', state DELIVERED, error '000', done 2026-07-22 09:05:00",
        ),
        (
            DataSm(esm_class=4, tlvs=Tlvs.of(tlv.receipted_message_id("17a9"), tlv.message_state(5))),
            "receipt: id '17a9', state UNDELIVERABLE",
        ),
        (
            DeliverSm(esm_class=0x20, tlvs=Tlvs.of(tlv.receipted_message_id("17a9"), tlv.message_state(1))),
            "receipt: id '17a9', state ENROUTE, on the way",
        ),
    ],
)
def test_receipt_is_shown_in_one_line(message: Message, shown: str) -> None:
    assert list(dump(encode(message, 1)))[-1] == shown


def test_pdu_without_body_has_its_header_only() -> None:
    assert len(list(dump(encode(EnquireLink(), 1)))) == 5


@pytest.mark.parametrize("octets", [bytes.fromhex(pdu) for *_, pdu in GOLDEN])
def test_every_pdu_can_be_shown(octets: bytes) -> None:
    lines = list(dump(octets))
    assert "§" in lines[0]
    assert not any(line.startswith("fault") for line in lines)


@pytest.mark.parametrize("row", conformance_rows() + malformed_rows(), ids=lambda row: row["id"])
def test_anything_can_be_shown_and_no_password_ever_is(row: Row) -> None:
    octets = bytes.fromhex(row.get("hex", ""))
    shown = "\n".join(dump(octets))
    password = row.get("intent", {}).get("fields", {}).get("password")
    if password:
        (line,) = [line for line in shown.splitlines() if " password " in line]
        assert line.endswith("'***'")
        assert password.encode().hex(" ") not in line
