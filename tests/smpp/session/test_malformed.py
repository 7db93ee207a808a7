"""Every malformed input, fed to a live session: answered as it should be, and the session goes on where it may."""

import re
from collections.abc import Iterable

import pytest

from smpp.constants import RESPONSE_BIT, BindMode, CommandId, Role
from smpp.session import BindRequested, Closed, Event, RequestReceived, SessionState
from smpp.status import CommandStatus as Status
from smpp.status import status_name
from smpp.wire import encode
from smpp.wire.pdu import MESSAGES, Bind, EnquireLink, Request, SubmitMulti
from smpp.wire.types import SmeAddress
from tests.smpp.session.pairs import Side, alone, split_pdus
from tests.vectors.load import Row, malformed_rows

ROWS = malformed_rows()

ACCOUNTS = ("demo", "esme")
"""Who may bind in these tests."""

ANY_STATUS = ("any error status", "any error resp", "any parse status")

# Rows whose answer differs from what they expect, each with its reason.
EXCEPTIONS = {
    "cmdlen-015": "an HTTP client is recognised and left without a generic_nack, which it could not read",
    "cmdlen-016": "a TLS client likewise",
}

# Inputs behind which no good PDU can be answered, each with its reason.
LAST_WORDS = {
    "cmdlen-022": "it is an unbind: the session ends in order",
    "stream-023": "three octets of garbage are the beginning of the next command_length",
}


def named(rows: Iterable[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", list(rows), ids=lambda row: row["id"])


def octets_of(row: Row) -> bytes:
    return bytes.fromhex(row["hex"] if "hex" in row else "".join(row["chunks"]))


def receiver_of(row: Row) -> Side:
    """A session in the state where the row finds it, with whatever request outstanding that the row answers."""
    role = Role[row["receiver"].upper()]
    state = SessionState[row["receiver_state"]]
    side = alone(role, state)
    command_id, sequence_number = (int(octets_of(row)[start : start + 4].hex() or "0", 16) for start in (4, 12))
    if command_id & RESPONSE_BIT and row["id"] not in ("state-027", "state-028"):
        expect_response(side, command_id & ~RESPONSE_BIT, sequence_number, row)
    side.session.data_to_send()
    return side


def expect_response(side: Side, request_id: int, sequence_number: int, row: Row) -> None:
    request_type = MESSAGES.get(request_id)
    if row["id"] == "state-030" or request_id == 0:  # 0: generic_nack
        request_type = EnquireLink
    if request_type is None or not issubclass(request_type, Request) or request_type.response_type is None:
        return
    side.session._window.next_number = max(1, sequence_number)
    if issubclass(request_type, Bind):
        mode = BindMode[request_type.command_name.removeprefix("bind_").upper()]
        side.session.bind(mode, now=side.now, system_id="demo", context="outstanding")
    else:
        request = (
            SubmitMulti(dest_addresses=(SmeAddress(1, 1, "1"),)) if request_type is SubmitMulti else request_type()
        )
        side.session.send_request(request, side.now, "outstanding")


def run(row: Row, chunks: Iterable[bytes]) -> tuple[Side, list[bytes]]:
    """Feed the octets; answer what an SMSC with one account would. Returns the PDUs that came back."""
    side, back = receiver_of(row), b""
    for chunk in chunks:
        side.session.receive_data(chunk, side.now)
        back += side.session.data_to_send()
        while events := side.collect():
            for event in events:
                serve(side, event)
        back += side.session.data_to_send()
    return side, split_pdus(back)


def serve(side: Side, event: Event) -> None:
    if isinstance(event, BindRequested):
        if event.message.system_id in ACCOUNTS:
            side.session.accept_bind("SMSC", side.now)
        else:
            side.session.reject_bind(Status.ESME_RINVSYSID, side.now)
    elif isinstance(event, RequestReceived) and event.message.response_type is not None:
        side.session.send_response(event.message.response_type(), event.sequence_number)


def ways(row: Row) -> dict[str, list[bytes]]:
    """Whole, octet by octet, and as the row cuts it."""
    octets = octets_of(row)
    found = {"whole": [octets], "octet by octet": [octets[index : index + 1] for index in range(len(octets))]}
    if "chunks" in row:
        found["in chunks"] = [bytes.fromhex(chunk) for chunk in row["chunks"]]
    return found


def header_of(pdu: bytes) -> tuple[int, int, int]:
    return int.from_bytes(pdu[4:8]), int.from_bytes(pdu[8:12]), int.from_bytes(pdu[12:16])


def wanted_answers(row: Row) -> list[str]:
    return [words.removesuffix(" then close") for words in row["expected"].split(" or ")]


def check_answer(row: Row, pdus: list[bytes]) -> None:
    command_id, _, sequence_number = header_of(octets_of(row)[:16])
    kinds = wanted_answers(row)
    for kind in kinds:
        if fits(kind, row, command_id, sequence_number, pdus):
            return
    shown = [(hex(header_of(pdu)[0]), status_name(header_of(pdu)[1])) for pdu in pdus]
    raise AssertionError(f"{row['why']}: expected {row['expected']} ({row.get('note', '')}), got {shown}")


def fits(kind: str, row: Row, command_id: int, sequence_number: int, pdus: list[bytes]) -> bool:
    if kind == "tolerate":
        return fits_tolerance(command_id, sequence_number, pdus)
    match = re.fullmatch(r"(error resp|generic_nack) (\w+)", kind)
    assert match is not None, kind
    answers, status = match.groups()
    if len(pdus) != 1:
        return False
    found_id, found_status, found_number = header_of(pdus[0])
    if answers == "generic_nack":
        right_id = int(CommandId.GENERIC_NACK)
        right_number = found_number in (sequence_number, 0) if status == "RINVCMDLEN" else True
        return found_id == right_id and status_name(found_status) == f"ESME_{status}" and right_number
    right_status = status_name(found_status) == f"ESME_{status}" or any(
        words in row.get("note", "") for words in ANY_STATUS
    )
    return (
        (found_id, found_number) == (command_id | RESPONSE_BIT, sequence_number) and right_status and bool(found_status)
    )


def fits_tolerance(command_id: int, sequence_number: int, pdus: list[bytes]) -> bool:
    """A request is answered well, or not at all where nothing answers it; a response is never answered."""
    request_type = MESSAGES.get(command_id)
    if command_id & RESPONSE_BIT or request_type is None:
        return not pdus
    assert issubclass(request_type, Request)
    if request_type.response_type is None:
        return not pdus
    return [header_of(pdu) for pdu in pdus] == [(command_id | RESPONSE_BIT, 0, sequence_number)]


def is_closing(row: Row) -> bool:
    return str(row["expected"]).endswith("close")


def check_alive(side: Side) -> None:
    """The session answers a good PDU."""
    assert side.closed() is None
    side.feed((EnquireLink(), 0x1234))
    (pdu,) = split_pdus(side.session.data_to_send())
    assert header_of(pdu) == (CommandId.ENQUIRE_LINK_RESP, 0, 0x1234)


SINGLE = [row for row in ROWS if row["family"] != "stream"]
STREAM = [row for row in ROWS if row["family"] == "stream"]


def test_no_row_is_left_out() -> None:
    assert len(SINGLE) + len(STREAM) == len(ROWS) == 232
    assert set(EXCEPTIONS) | set(LAST_WORDS) <= {row["id"] for row in ROWS}


@named([row for row in ROWS if row["id"] == "cmdlen-022"])
def test_unbind_with_a_body_still_unbinds(row: Row) -> None:
    side, pdus = run(row, [octets_of(row)])
    assert [header_of(pdu) for pdu in pdus] == [(CommandId.UNBIND_RESP, 0, 9)]
    assert [end.in_order for end in side.of(Closed)] == [True]


@named(SINGLE)
def test_malformed_input_is_answered_as_it_should_be(row: Row) -> None:
    for chunks in ways(row).values():
        side, pdus = run(row, chunks)
        if row["id"] in EXCEPTIONS:
            assert pdus == []
        else:
            check_answer(row, pdus)
        if is_closing(row):
            assert [end.in_order for end in side.of(Closed)] == [False]
        elif row["id"] not in LAST_WORDS:
            check_alive(side)


@named([row for row in SINGLE if not is_closing(row) and row["id"] not in LAST_WORDS])
def test_good_pdus_glued_to_malformed_input_are_answered(row: Row) -> None:
    before, behind = encode(EnquireLink(), 0x1111), encode(EnquireLink(), 0x2222)
    side, pdus = run(row, [before + octets_of(row) + behind])
    numbers = [header_of(pdu)[2] for pdu in pdus if header_of(pdu)[0] == CommandId.ENQUIRE_LINK_RESP]
    assert numbers[0] == 0x1111
    assert numbers[-1] == 0x2222
    assert side.closed() is None


@named([row for row in SINGLE if int(octets_of(row)[4:8].hex(), 16) & RESPONSE_BIT])
def test_odd_response_ends_its_request_once_or_leaves_it(row: Row) -> None:
    side, _ = run(row, [octets_of(row)])
    waiting = {"cmdid", "state"}
    if row["family"] in waiting and row["id"] != "state-031":
        assert side.ends() == []
    else:
        assert [context for context, _ in side.ends()] == ["outstanding"]


# Streams


def good_answers(octets: bytes) -> list[tuple[int, int, int]]:
    """What a stream of requests is answered with; unknown ones are nacked."""
    answers = []
    for pdu in split_pdus(octets, garbage=True):
        command_id, _, number = header_of(pdu)
        if command_id in MESSAGES:
            answers.append((command_id | RESPONSE_BIT, 0, number))
        else:
            answers.append((int(CommandId.GENERIC_NACK), int(Status.ESME_RINVCMDID), number))
    return answers


@named([row for row in STREAM if not is_closing(row)])
def test_stream_is_answered_however_it_is_cut(row: Row) -> None:
    wanted = sorted(good_answers(octets_of(row)))
    for chunks in ways(row).values():
        side, pdus = run(row, chunks)
        assert sorted(header_of(pdu) for pdu in pdus) == wanted
        if row["id"] not in LAST_WORDS:
            check_alive(side)


@named([row for row in STREAM if not is_closing(row)])
def test_answers_of_the_session_itself_keep_the_order_of_the_stream(row: Row) -> None:
    side, pdus = run(row, [octets_of(row)])
    own = {int(CommandId.ENQUIRE_LINK_RESP), int(CommandId.GENERIC_NACK)}
    assert [header_of(pdu) for pdu in pdus if header_of(pdu)[0] in own] == [
        answer for answer in good_answers(octets_of(row)) if answer[0] in own
    ]
    assert side.closed() is None


@named([row for row in STREAM if is_closing(row)])
def test_end_of_the_stream_within_a_pdu_closes_quietly(row: Row) -> None:
    assert row["eof"]
    side, pdus = run(row, [bytes.fromhex(chunk) for chunk in row["chunks"]])
    assert side.closed() is None
    side.session.receive_eof()
    assert pdus == []
    assert side.closed() is not None
    assert side.session.data_to_send() == b""
