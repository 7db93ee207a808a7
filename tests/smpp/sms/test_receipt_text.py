"""The two ways of reading a receipt's text agree."""

from hypothesis import given
from hypothesis import strategies as st

from smpp.sms import parse_receipt
from smpp.sms.coding import Alphabet
from smpp.sms.receipt_text import REGULAR, _read_by_keys, read_receipt_text

words = st.text(st.sampled_from("aZ09-_.:=@#"), min_size=1, max_size=12)
digits = st.text(st.sampled_from("0123456789"), min_size=10, max_size=14)


@given(
    words,
    st.integers(0, 999),
    digits,
    st.sampled_from(["DELIVRD", "REJECTED", "BADSTAT"]),
    st.text(st.sampled_from("aZ09"), min_size=1, max_size=5),
    st.sampled_from(["text", "Text"]),
    st.one_of(st.binary(max_size=20), st.sampled_from([b"id:2 stat:X", b"abc\0", b"\x04\x36", b"\0a"])),
    st.sampled_from([Alphabet.GSM, Alphabet.GSM_PACKED, Alphabet.LATIN_1, Alphabet.UCS2, Alphabet.UTF_8]),
)
def test_fast_and_plain_path_agree(
    message_id: str, number: int, date: str, stat: str, error: str, key: str, text: bytes, alphabet: Alphabet
) -> None:
    head = (
        f"id:{message_id} sub:{number:03} dlvrd:{number:03} submit date:{date} done date:{date}"
        f" stat:{stat} err:{error} {key}:"
    )
    octets = head.encode() + text
    assert REGULAR.match(octets)
    assert read_receipt_text(octets, alphabet) == _read_by_keys(octets, alphabet, 0)


@given(
    words,
    digits,
    st.sampled_from(["DELIVRD", "REJECTED", "BADSTAT"]),
    st.one_of(st.binary(max_size=20), st.text(st.characters(max_codepoint=0x7F), max_size=20).map(str.encode)),
    st.sampled_from([Alphabet.GSM, Alphabet.LATIN_1, Alphabet.ASCII]),
    st.sampled_from([0, 1, 3]),
)
def test_a_receipt_with_an_unknown_tlv_reads_as_the_same_without(
    message_id: str, date: str, stat: str, text: bytes, alphabet: Alphabet, data_coding: int
) -> None:
    head = f"id:{message_id} sub:001 dlvrd:000 submit date:{date} done date:{date} stat:{stat} err:00a text:"
    octets = head.encode() + text
    short = parse_receipt(octets, data_coding=data_coding, default_alphabet=alphabet)
    # A TLV, whatever it says, rules the shortest way out.
    assert short == parse_receipt(octets, data_coding=data_coding, default_alphabet=alphabet, tlvs={0x1400: b"x"})
