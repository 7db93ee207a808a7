"""Long messages put together again, with every disorder parts can come in."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.sms.national import Language, Shift
from smpp.sms.reassembly import InboundPart, Incomplete, LostReason, Reassembler, Whole, concat_of
from smpp.sms.segments import split, split_octets
from smpp.sms.udh import Concat, UserDataHeader, split_udh


def part(number: int, total: int = 3, octets: bytes | None = None, **changes: Any) -> InboundPart:
    fields: dict[str, Any] = {
        "account": "shop",
        "source": "441",
        "destination": "555",
        "concat": Concat(changes.pop("reference", 7), total, number),
        "octets": octets if octets is not None else f"[{number}]".encode(),
        **changes,
    }
    return InboundPart(**fields)


def received(text: str, **options: Any) -> list[InboundPart]:
    """The parts of a text as the other side gets them."""
    out = []
    for segment in split(text, reference=7, **options):
        header, body = split_udh(segment.short_message) if segment.has_udh else (None, segment.short_message)
        found = concat_of(header, dict(segment.tlvs))
        assert found is not None
        out.append(
            InboundPart("shop", "441", "555", found[0], body, segment.data_coding, header, found[1], segment.number)
        )
    return out


def test_the_last_part_makes_the_message() -> None:
    pile = Reassembler()
    assert pile.add(part(1), 0) is None
    assert pile.add(part(2), 1) is None
    whole = pile.add(part(3), 2)
    assert isinstance(whole, Whole)
    assert whole.octets == b"[1][2][3]"
    assert (len(pile), pile.octets, pile.take_lost(9)) == (0, 0, [])


def test_parts_come_in_any_order() -> None:
    pile = Reassembler()
    pile.add(part(3, tag="c"), 0)
    pile.add(part(1, tag="a"), 0)
    whole = pile.add(part(2, tag="b"), 0)
    assert whole is not None
    assert whole.octets == b"[1][2][3]"
    assert whole.tags == ("a", "b", "c")


def test_a_repeated_part_counts_once() -> None:
    pile = Reassembler()
    for number in (1, 1, 2, 2):
        assert pile.add(part(number), 0) is None
    assert pile.duplicates == 2
    assert pile.add(part(3), 0) is not None


@pytest.mark.parametrize(
    "other",
    [
        {"account": "bank"},
        {"source": "442"},
        {"destination": "556"},
        {"reference": 8},
        {"concat": Concat(7, 3, 2, is_16bit=True)},
        {"is_sar": True},
    ],
)
def test_parts_of_different_messages_are_kept_apart(other: dict[str, Any]) -> None:
    pile = Reassembler()
    pile.add(part(1), 0)
    pile.add(part(2, **other), 0)
    pile.add(part(3), 0)
    assert len(pile) == 2
    assert pile.add(part(2), 0) is not None


def test_another_number_of_parts_is_another_message() -> None:
    pile = Reassembler()
    pile.add(part(1, total=2), 0)
    assert pile.add(part(2, total=3), 0) is None
    assert len(pile) == 2


def test_reference_zero_and_255_parts() -> None:
    pile = Reassembler()
    wholes = [pile.add(part(number, 255, reference=0), 0) for number in range(255, 0, -1)]
    assert wholes[:-1] == [None] * 254
    assert wholes[-1] is not None
    assert len(wholes[-1].parts) == 255


def test_a_message_of_one_part_is_whole_at_once() -> None:
    assert Reassembler().add(part(1, 1), 0) == Whole((part(1, 1),))


def test_what_does_not_become_whole_in_time_is_handed_back() -> None:
    pile = Reassembler(ttl_seconds=60)
    pile.add(part(3), 0)
    pile.add(part(1), 50)
    assert pile.next_timer() == 60
    assert pile.take_lost(59) == []
    assert pile.take_lost(60) == [Incomplete((part(1), part(3)), 3, LostReason.EXPIRED)]
    assert pile.take_lost(61) == []
    assert (len(pile), pile.octets, pile.next_timer()) == (0, 0, None)


def test_an_incomplete_message_says_what_is_missing() -> None:
    lost = Incomplete((part(2), part(4)), 5, LostReason.EXPIRED)
    assert lost.missing == (1, 3, 5)
    assert lost.text("latin1") == "…[2]…[4]…"


def test_a_part_too_late_begins_anew_and_is_handed_back_too() -> None:
    pile = Reassembler(ttl_seconds=60)
    pile.add(part(1), 0)
    pile.add(part(2), 0)
    assert pile.add(part(3), 100) is None
    assert [lost.missing for lost in pile.take_lost(100)] == [(3,)]
    assert [lost.missing for lost in pile.take_lost(160)] == [(1, 2)]


def test_a_late_copy_of_a_finished_message_is_no_loss() -> None:
    pile = Reassembler(ttl_seconds=60)
    for number in (1, 2, 3):
        pile.add(part(number), 0)
    assert pile.add(part(2), 1) is None
    assert pile.take_lost(61) == []
    assert pile.duplicates == 1


def test_the_same_message_sent_twice_arrives_twice() -> None:
    # Some senders never change the reference: a text repeated by its author must not vanish.
    pile = Reassembler()
    wholes = [pile.add(part(number), at) for at in (0, 10) for number in (1, 2, 3)]
    assert sum(whole is not None for whole in wholes) == 2


def test_a_used_reference_starts_a_new_message_and_hands_back_the_old_one() -> None:
    pile = Reassembler()
    pile.add(part(1), 0)
    pile.add(part(2), 0)
    assert pile.add(part(1, octets=b"new 1"), 5) is None
    assert pile.take_lost(5) == [Incomplete((part(1), part(2)), 3, LostReason.CONTRADICTED)]
    pile.add(part(2, octets=b"new 2"), 5)
    whole = pile.add(part(3, octets=b"new 3"), 5)
    assert whole is not None
    assert whole.octets == b"new 1new 2new 3"


def test_a_new_message_under_a_remembered_reference_is_taken() -> None:
    pile = Reassembler()
    for number in (1, 2, 3):
        pile.add(part(number), 0)
    news = [pile.add(part(number, octets=b"x%d" % number), 1) for number in (1, 2, 3)]
    assert news[-1] is not None
    assert news[-1].octets == b"x1x2x3"


def test_memory_is_bounded_by_messages() -> None:
    pile = Reassembler(max_messages=10)
    for reference in range(25):
        pile.add(part(1, reference=reference), reference)
    assert len(pile) == 10
    lost = pile.take_lost(25)
    assert [it.parts[0].concat.reference for it in lost] == list(range(15))
    assert {it.reason for it in lost} == {LostReason.CROWDED_OUT}


def test_memory_is_bounded_by_octets() -> None:
    pile = Reassembler(max_octets=1000)
    for reference in range(20):
        pile.add(part(1, octets=bytes(140), reference=reference), 0)
    assert pile.octets == 980
    assert len(pile.take_lost(0)) == 13


def test_memory_is_bounded_by_parts() -> None:
    pile = Reassembler(max_parts=10)
    for reference in range(8):
        for number in (1, 2):
            pile.add(part(number, octets=b"", reference=reference), 0)
    assert len(pile) == 5
    assert len(pile.take_lost(0)) == 3


def test_one_account_does_not_crowd_out_another() -> None:
    pile = Reassembler(max_messages=100, max_messages_per_account=5)
    pile.add(part(1, account="bank"), 0)
    for reference in range(50):
        pile.add(part(1, reference=reference), 1)
    assert len(pile) == 6
    assert {lost.parts[0].account for lost in pile.take_lost(1)} == {"shop"}
    assert pile.add(part(2, account="bank"), 1) is None
    assert pile.add(part(3, account="bank"), 1) is not None


def test_finished_messages_are_forgotten() -> None:
    pile = Reassembler(max_messages=5, max_parts=8, remember_seconds=10)
    for reference in range(200):
        for number in (1, 2):
            pile.add(part(number, 2, reference=reference), reference / 100)
    assert len(pile._finished) <= 4
    pile.take_lost(100)
    assert (len(pile._finished), pile._finished_parts) == (0, 0)


def test_a_part_that_cannot_be_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="part 4 of 3"):
        Reassembler().add(part(4), 0)


def test_careless_cuts_inside_pairs_are_healed() -> None:
    pile = Reassembler()
    pile.add(part(1, 2, b"5 \x1b"), 0)
    whole = pile.add(part(2, 2, b"e!"), 0)
    assert whole is not None
    assert whole.text() == "5 €!"
    pile.add(part(1, 2, b"\x04\x36\xd8\x3d", data_coding=8), 1)
    whole = pile.add(part(2, 2, b"\xde\x00", data_coding=8), 1)
    assert whole is not None
    assert whole.text() == "ж😀"


def test_each_part_has_its_own_national_tables() -> None:
    header = UserDataHeader.of(Shift(locking=Language.TURKISH))
    whole = Whole((part(1, 2, b"\x0c", udh=header), part(2, 2, b"\x0c")))
    assert whole.text() == "ğø"


def test_which_part_a_pdu_is() -> None:
    sar = {0x020C: b"\x01\x02", 0x020E: b"\x03", 0x020F: b"\x02"}
    header = UserDataHeader.of(Concat(9, 2, 1))
    assert concat_of(None, sar) == (Concat(0x0102, 3, 2, is_16bit=True), True)
    assert concat_of(header, sar) == (Concat(9, 2, 1), False)
    assert concat_of(UserDataHeader(), sar) == (Concat(0x0102, 3, 2, is_16bit=True), True)
    assert concat_of(None, {}) is None


@pytest.mark.parametrize(
    "change",
    [
        {0x020C: None},
        {0x020E: None},
        {0x020F: None},
        {0x020F: b"\x04"},
        {0x020E: b"\x00"},
        {0x020F: b""},
        {0x020C: b"1"},
    ],
)
def test_sar_numbers_that_do_not_add_up_mean_nothing(change: dict[int, bytes | None]) -> None:
    tlvs = {0x020C: b"\x01\x02", 0x020E: b"\x03", 0x020F: b"\x02", **change}
    assert concat_of(None, {tag: value for tag, value in tlvs.items() if value is not None}) is None


@given(
    st.one_of(
        st.text(st.sampled_from("ab€[]@"), min_size=170),
        st.text(st.sampled_from("aж😀日"), min_size=170),
        st.text(st.sampled_from("aşğıİ€"), min_size=170),
    ),
    st.sampled_from(["udh8", "udh16", "sar"]),
    st.sampled_from(["gsm", "gsm-packed"]),
    st.randoms(use_true_random=False),
)
def test_split_shuffled_and_joined_is_the_original(
    text: str, method: str, default_alphabet: str, order: random.Random
) -> None:
    languages = [Language.TURKISH]
    parts = received(text, method=method, default_alphabet=default_alphabet, languages=languages)
    arriving = parts + parts[:1]
    order.shuffle(arriving)
    pile = Reassembler()
    wholes = [whole for it in arriving if (whole := pile.add(it, 0)) is not None]
    assert len(wholes) == 1
    assert wholes[0].text(default_alphabet) == text
    assert wholes[0].tags == tuple(range(1, len(parts) + 1))
    assert pile.take_lost(1e9) == []


@given(st.binary(min_size=141, max_size=2000), st.randoms(use_true_random=False))
def test_octets_split_shuffled_and_joined_are_the_original(octets: bytes, order: random.Random) -> None:
    segments = list(split_octets(octets, reference=3))
    order.shuffle(segments)
    pile = Reassembler()
    whole = None
    for segment in segments:
        header, body = split_udh(segment.short_message)
        assert header is not None
        assert header.concat is not None
        whole = pile.add(InboundPart("a", "b", "c", header.concat, body, 4, header), 0)
    assert whole is not None
    assert whole.octets == octets


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(2, 4), st.integers(1, 4), st.binary(max_size=2), st.floats(0, 50)),
        max_size=60,
    )
)
def test_every_part_is_in_a_message_or_handed_back_or_a_copy(events: list[tuple[int, int, int, bytes, float]]) -> None:
    pile = Reassembler(ttl_seconds=60, max_messages=3, max_octets=8, remember_seconds=30)
    now, given_in, out = 0.0, 0, 0
    for reference, total, number, octets, wait in events:
        now += wait
        if number > total:
            continue
        given_in += 1
        whole = pile.add(part(number, total, octets, reference=reference), now)
        out += len(whole.parts) if whole else 0
        out += sum(len(lost.parts) for lost in pile.take_lost(now))
        assert len(pile) <= 3
        assert pile.octets <= 8
    out += sum(len(lost.parts) for lost in pile.take_lost(now + 1000))
    assert given_in == out + pile.duplicates
    assert (len(pile), pile.octets, pile._parts) == (0, 0, 0)
