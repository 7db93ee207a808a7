"""A message as providers are given it: texts of every coding, parts joined, and what no provider carries."""

import pytest

from gateway.errors import Unsupported
from gateway.models import Coding, Message
from gateway.providers.carrying import content_of, outgoing_of, piece_of
from smpp.sms import split
from tests.gateway.providers.connectors import BINARY, message, octets

LONG = "Straße und Öl {kosten} 100 € — " * 12


def pieces_of(text: str, method: str = "udh8", **fields: object) -> list[Message]:
    """A text as an SMPP customer cuts it."""
    made = []
    for segment in split(text, method=method, reference=7):
        body, udh = segment.short_message, b""
        if segment.has_udh:
            udh, body = body[: body[0] + 1], body[body[0] + 1 :]
        made.append(octets(body, udh=udh, data_coding=segment.data_coding, tlvs=segment.tlvs, **fields))
    assert len(made) > 1
    return made


@pytest.mark.parametrize("method", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize("text", [LONG, "Привет, мир 🙂 " * 20, "plain text " * 40])
def test_parts_are_joined_to_the_very_text(text: str, method: str) -> None:
    pieces = pieces_of(text, method)

    found = [piece_of(piece) for piece in pieces]
    joined = outgoing_of(pieces, validity_seconds=None)

    assert joined.text == text
    assert joined.udh == b""
    assert joined.parts == len(pieces)
    assert [(piece.number, piece.total) for piece in found if piece] == [
        (number, len(pieces)) for number in range(1, len(pieces) + 1)
    ]
    assert len({piece.key for piece in found if piece}) == 1


def test_references_of_other_widths_do_not_meet() -> None:
    keys = {piece.key for method in ("udh8", "udh16", "sar") if (piece := piece_of(pieces_of(LONG, method)[0]))}

    assert len(keys) == 3


def test_a_message_alone_is_no_piece() -> None:
    assert piece_of(message("hi")) is None
    assert piece_of(octets(b"hi", udh=bytes((5, 0, 3, 7, 1, 1)))) is None
    assert piece_of(octets(b"hi", tlvs=((0x020C, b"\0\1"), (0x020E, b"\2")))) is None


def test_a_header_that_counts_one_part_is_left_out() -> None:
    assert content_of(octets(b"hi", udh=bytes((5, 0, 3, 7, 1, 1)))).udh == b""


def test_octets_that_were_cut_pass_with_their_header() -> None:
    udh = bytes((5, 0, 3, 7, 2, 1))
    piece = octets(b"\x01\x02", udh=udh, **BINARY)

    assert piece_of(piece) is None
    made = content_of(piece)
    assert (made.text, made.data, made.udh) == (None, b"\x01\x02", udh)


def test_national_tables_are_used_up() -> None:
    # Turkish single shift: 0x1B 0x73 is ş.
    made = content_of(octets(b"A\x1bs", udh=bytes((3, 0x24, 1, 1))))

    assert (made.text, made.udh) == ("Aş", b"")


def test_ports_stay() -> None:
    udh = bytes.fromhex("0605040B8423F0")
    made = content_of(octets(b"hi", udh=udh))

    assert (made.udh, made.port, made.has_only_ports) == (udh, 0x0B84, True)
    assert content_of(octets(b"hi", tlvs=((0x020B, b"\x0f\x44"),))).port == 3908


@pytest.mark.parametrize("data_coding", [0xC8, 0xE1, 0x20])
def test_indications_and_compressed_text_are_refused(data_coding: int) -> None:
    with pytest.raises(Unsupported):
        content_of(octets(b"hi", data_coding=data_coding))


def test_classes_come_from_the_coding() -> None:
    assert content_of(octets(b"hi", data_coding=0x10)).message_class == 0
    assert content_of(octets(b"hi", data_coding=0xF3)).message_class == 3
    assert content_of(message("hi", message_class=0)).message_class == 0


@pytest.mark.parametrize(
    ("sent", "is_unicode"),
    [
        (message("plain"), False),
        (message("5€ {x}"), False),
        (message("Ж"), True),
        (message("plain", coding=Coding.UCS2), True),
        (octets("plain".encode("utf-16-be"), data_coding=8), True),
        (octets("naïve ß".encode("latin-1"), data_coding=3), True),
    ],
)
def test_what_the_gsm_alphabet_lacks_is_unicode(sent: Message, is_unicode: bool) -> None:
    assert outgoing_of([sent], validity_seconds=None).is_unicode is is_unicode


def test_another_default_alphabet_is_read_as_that() -> None:
    assert outgoing_of([octets(b"\xe9", default_alphabet="latin1")], validity_seconds=None).text == "é"
