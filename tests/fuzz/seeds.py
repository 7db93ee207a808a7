"""What the fuzzer starts from: the vectors of the tests, and one input for each small door."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from smpp.recording import RecordedStream
from smpp.recording.packets import INTERFACE_DESCRIPTION, SECTION_HEADER, packet_block
from tests.fuzz import checks
from tests.fuzz.checks import input_for
from tests.vectors.load import Row, conformance_rows, malformed_rows

_SMS = Path(__file__).parent.parent / "vectors" / "sms"
_BIND = bytes.fromhex("0000002300000009000000000000000165736d6500736563726574003400003400000000")
_TIMES = ("260722153000508+", "000001000000000R", "0000000000000000", "1611142233", "")


def seeds() -> Iterator[bytes]:
    """All of them."""
    for row in (*conformance_rows(), *malformed_rows()):
        if "hex" not in row:
            continue
        octets = bytes.fromhex(row["hex"])
        for door in (checks.pdu, checks.dump):
            yield input_for(door, octets)
        yield input_for(checks.frames, b"\x07" + octets)
        yield input_for(checks.recording, b"\x0b" + octets)
        yield input_for(checks.session, b"\xfe" + _BIND + octets)
        yield input_for(checks.session, b"\xff" + octets)
    for row in _rows("receipts.jsonl"):
        front = bytes((row["esm_class"], row["data_coding"], 0, 3))
        yield input_for(checks.receipt, front + bytes.fromhex(row["short_message"]))
    for row in _rows("udh.jsonl"):
        yield input_for(checks.udh, b"\0\0" + bytes.fromhex(row["short_message"]))
    for time in _TIMES:
        yield input_for(checks.times, time.encode())
    yield input_for(checks.septets, b"\x01" + bytes(range(128)))
    yield input_for(checks.recording, b"\x05" + _BIND + _BIND)
    for octets in _captures():
        yield input_for(checks.capture, octets)


def _captures() -> Iterator[bytes]:
    """A recording over each version of IP, and a file of the older format."""
    for host in ("127.0.0.1", "::1"):
        file = _File()
        stream = RecordedStream(file, (host, 40000), (host, 2775), 1_700_000_000.0)
        stream.from_client(_BIND, 1_700_000_000.1)
        stream.close(1_700_000_000.2)
        yield file.octets
    yield bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000")


class _File:
    """A recording in memory."""

    def __init__(self) -> None:
        self.octets = SECTION_HEADER + INTERFACE_DESCRIPTION

    def write(self, packets: Iterable[bytes], now: float) -> None:
        """Append packets."""
        self.octets += b"".join(packet_block(packet, now) for packet in packets)

    def leave(self) -> None:
        """Nothing to do."""


def _rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (_SMS / name).read_text(encoding="utf-8").splitlines()]
