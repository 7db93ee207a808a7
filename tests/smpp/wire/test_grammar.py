"""The construct grammar beside the generated codec, and the annotations of a dump."""

from typing import Any

import pytest

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError
from smpp.wire import TlvProfile, Tlvs, decode, dlt
from smpp.wire.fields import fields_of
from smpp.wire.grammar import SECTIONS, Annotation, annotate, grammar_of, parse
from smpp.wire.pdu import MESSAGES, Message
from smpp.wire.types import DistributionList, SmeAddress, UnsuccessSme
from tests.smpp.wire.golden import GOLDEN
from tests.vectors.load import conformance_rows, malformed_rows

VECTORS = {
    **{f"golden-{message.command_name}": bytes.fromhex(octets) for message, *_, octets in GOLDEN},
    **{row["id"]: bytes.fromhex(row["hex"]) for row in conformance_rows()},
    **{row["id"]: bytes.fromhex(row["hex"]) for row in malformed_rows() if row["family"] not in ("stream", "cmdlen")},
}
every_vector = pytest.mark.parametrize("octets", VECTORS.values(), ids=VECTORS)

BIND = bytes.fromhex("00000022 00000009 00000000 00000001 65736D65 00  68756E74657232 00  00  34 00 00  00")


def message_of(tree: Any) -> Message:
    """The message that a tree stands for."""
    message_type = MESSAGES[tree.command_id]
    values: dict[str, object] = {}
    for name in message_type.__struct_fields__:
        match name:
            case "tlvs":
                values[name] = Tlvs((item.tag, item.value) for item in tree.tlvs)
            case "dest_addresses":
                values[name] = tuple(
                    SmeAddress(item.dest_addr_ton, item.dest_addr_npi, item.destination_addr)
                    if item.dest_flag == 1
                    else DistributionList(item.dl_name)
                    for item in tree.dest_address
                )
            case "unsuccess_smes":
                values[name] = (
                    None
                    if tree.no_unsuccess is None
                    else tuple(
                        UnsuccessSme(
                            item.dest_addr_ton, item.dest_addr_npi, item.destination_addr, item.error_status_code
                        )
                        for item in tree.unsuccess_sme
                    )
                )
            case _:
                values[name] = tree[name]
    return message_type(**values)


# A second opinion


@every_vector
def test_grammar_and_codec_agree(octets: bytes) -> None:
    try:
        pdu = decode(octets)
    except DecodeError:
        with pytest.raises(DecodeError):
            parse(octets)
        return
    tree = parse(octets)
    assert message_of(tree) == pdu.message
    assert (tree.command_status, tree.sequence_number) == (pdu.command_status, pdu.sequence_number)
    assert tree.command_length == len(octets)


@every_vector
def test_annotations_cover_every_octet_once_and_in_order(octets: bytes) -> None:
    lines = annotate(octets, show_secrets=True)
    assert b"".join(line.octets for line in lines) == octets
    assert [line.offset for line in lines] == [sum(len(line.octets) for line in lines[:n]) for n in range(len(lines))]


def test_grammar_has_the_declared_fields_in_their_order() -> None:
    for message_type in MESSAGES.values():
        names = [member.name for member in grammar_of(message_type).subcons]
        ours = {"dest_addresses": "dest_address", "unsuccess_smes": "unsuccess_sme"}
        counts = {"sm_length", "number_of_dests", "no_unsuccess"}
        assert [name for name in names if name not in counts] == [
            ours.get(name, name) for name in fields_of(message_type)
        ]


def test_every_field_has_a_section() -> None:
    for message_type in MESSAGES.values():
        for member in grammar_of(message_type).subcons:
            assert member.name in SECTIONS or member.name in {"tlvs", "dest_address", "unsuccess_sme"}


# What a person sees


def lines_of(octets: str | bytes, **options: Any) -> list[tuple[int, str, str, str, str]]:
    raw = bytes.fromhex(octets) if isinstance(octets, str) else octets
    return [(line.offset, line.octets.hex(), line.name, line.shown, line.section) for line in annotate(raw, **options)]


def test_header_says_what_its_numbers_mean() -> None:
    assert lines_of("00000010 80000004 00000058 0000000A") == [
        (0, "00000010", "command_length", "16", "5.1.1"),
        (4, "80000004", "command_id", "0x80000004 submit_sm_resp", "5.1.2"),
        (8, "00000058", "command_status", "0x00000058 ESME_RTHROTTLED", "5.1.3"),
        (12, "0000000a", "sequence_number", "10", "5.1.4"),
    ]


def test_fields_of_a_list_say_which_one() -> None:
    octets = "00000021 80000021 00000000 00000001 37 00  02  01 01 34 00 0000000B  00 00 00 00000058"
    assert lines_of(octets)[4:] == [
        (16, "3700", "message_id", "'7'", "5.2.23"),
        (18, "02", "no_unsuccess", "2", "5.2.26"),
        (19, "01", "unsuccess_sme[0].dest_addr_ton", "1 international", "5.2.5"),
        (20, "01", "unsuccess_sme[0].dest_addr_npi", "1 ISDN", "5.2.6"),
        (21, "3400", "unsuccess_sme[0].destination_addr", "'4'", "5.2.9"),
        (23, "0000000b", "unsuccess_sme[0].error_status_code", "0x0000000B ESME_RINVDSTADR", "4.5.2.1"),
        (27, "00", "unsuccess_sme[1].dest_addr_ton", "0 unknown", "5.2.5"),
        (28, "00", "unsuccess_sme[1].dest_addr_npi", "0 unknown", "5.2.6"),
        (29, "00", "unsuccess_sme[1].destination_addr", "''", "5.2.9"),
        (30, "00000058", "unsuccess_sme[1].error_status_code", "0x00000058 ESME_RTHROTTLED", "4.5.2.1"),
    ]


def test_destinations_are_addresses_and_lists() -> None:
    octets = "00000000 00000021 00000000 00000001 00 0000 00 02 01 0101 34 00 02 41 00 03 0000 00 00 01 00 08 00 00"
    names = [(line[2], line[3]) for line in lines_of(octets)[8:]]
    assert names == [
        ("number_of_dests", "2"),
        ("dest_address[0].dest_flag", "1 SME"),
        ("dest_address[0].dest_addr_ton", "1 international"),
        ("dest_address[0].dest_addr_npi", "1 ISDN"),
        ("dest_address[0].destination_addr", "'4'"),
        ("dest_address[1].dest_flag", "2 distribution list"),
        ("dest_address[1].dl_name", "'A'"),
        ("esm_class", "0x03 store and forward"),
        ("protocol_id", "0"),
        ("priority_flag", "0"),
        ("schedule_delivery_time", "''"),
        ("validity_period", "''"),
        ("registered_delivery", "0x01 receipt"),
        ("replace_if_present_flag", "0"),
        ("data_coding", "0x08 UCS2"),
        ("sm_default_msg_id", "0"),
        ("sm_length", "0"),
        ("short_message", ""),
    ]


def test_tlv_is_named_by_its_tag() -> None:
    octets = "00000000 80000103 000000FE 00000001 00  0425 0001 01  0423 0003 030001  1400 0002 3131  001E 0002 3100"
    assert lines_of(octets)[5:] == [
        (17, "0425", "tlvs[0].tag", "0x0425 delivery_failure_reason", "5.3.1"),
        (19, "0001", "tlvs[0].length", "1", "3.2.4.1"),
        (21, "01", "tlvs[0].delivery_failure_reason", "1", "5.3.2.33"),
        (22, "0423", "tlvs[1].tag", "0x0423 network_error_code", "5.3.1"),
        (24, "0003", "tlvs[1].length", "3", "3.2.4.1"),
        (26, "030001", "tlvs[1].network_error_code", "GSM error 1", "5.3.2.31"),
        (29, "1400", "tlvs[2].tag", "0x1400", "5.3.1"),
        (31, "0002", "tlvs[2].length", "2", "3.2.4.1"),
        (33, "3131", "tlvs[2].0x1400", "3131", "5.3.2"),
        (35, "001e", "tlvs[3].tag", "0x001E receipted_message_id", "5.3.1"),
        (37, "0002", "tlvs[3].length", "2", "3.2.4.1"),
        (39, "3100", "tlvs[3].receipted_message_id", "'1'", "5.3.2.12"),
    ]


def test_profile_names_vendor_tags() -> None:
    octets = "00000000 80000004 00000000 00000001 00  1400 0002 3131"
    profile: TlvProfile = dlt.PROFILE
    assert [line[2:4] for line in lines_of(octets, profile=profile)[5:]] == [
        ("tlvs[0].tag", "0x1400 PE_ID"),
        ("tlvs[0].length", "2"),
        ("tlvs[0].PE_ID", "'11'"),
    ]


# Secrets


def test_password_is_masked_value_and_octets() -> None:
    lines = annotate(BIND)
    assert lines[5] == Annotation(21, b"********", "password", "'***'", "5.2.2", is_secret=True)
    assert "hunter2" not in repr(lines)
    assert b"hunter2".hex() not in repr([line.octets.hex() for line in lines])


def test_password_is_shown_to_who_asks() -> None:
    assert annotate(BIND, show_secrets=True)[5] == Annotation(21, b"hunter2\0", "password", "'hunter2'", "5.2.2")


@pytest.mark.parametrize("length", range(HEADER_LENGTH, len(BIND)))
def test_password_of_a_bind_that_is_cut_is_masked(length: int) -> None:
    lines = annotate(BIND[:length])
    assert not any(b"hu" in line.octets or "hu" in line.shown for line in lines)


# Faults


@pytest.mark.parametrize(
    ("octets", "last"),
    [
        ("", (0, "", "unread", "command_length cannot be read", "")),
        ("0000", (0, "0000", "unread", "command_length cannot be read", "")),
        ("00000010 00000FFF 00000000 00000001 41", (16, "41", "unread", "unknown command 0x00000FFF", "")),
        ("00000010 00000004 00000000 00000001", (16, "", "unread", "submit_sm has no body", "")),
        ("00000012 00000003 00000000 00000001 4142", (16, "4142", "unread", "message_id cannot be read", "")),
        ("00000012 00000003 00000000 00000001 00 01", (18, "", "unread", "source_addr_npi cannot be read", "")),
        ("00000014 00000015 00000000 00000001 DEAD", (16, "dead", "unread", "2 octets of no field", "")),
        ("00000000 80000004 00000000 00000001 00 0204 0002 01", (21, "01", "unread", "1 octet of no field", "")),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_the_last_line(octets: str, last: tuple[object, ...]) -> None:
    assert lines_of(octets)[-1] == last


def test_fields_before_a_fault_are_shown() -> None:
    octets = "00000000 00000003 00000000 00000001 37 00 05 01 4142"
    assert [line[2:4] for line in lines_of(octets)[4:]] == [
        ("message_id", "'7'"),
        ("source_addr_ton", "5 alphanumeric"),
        ("source_addr_npi", "1 ISDN"),
        ("unread", "source_addr cannot be read"),
    ]
