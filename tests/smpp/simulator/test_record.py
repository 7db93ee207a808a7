"""The log file: what an ESME was told stands in it, whatever becomes of the process."""

import asyncio
import json
from pathlib import Path

from smpp.simulator.agenda import Agenda
from smpp.simulator.link import FaultyTransport
from smpp.simulator.record import LogFile, RateJudge
from smpp.simulator.script import LinkFaults


class Wire(asyncio.Transport):
    """Notes in a list what is written."""

    def __init__(self, noted: list[str]) -> None:
        super().__init__()
        self._noted = noted

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._noted.append(bytes(data).decode())


async def test_log_is_flushed_before_octets_leave() -> None:
    noted: list[str] = []
    link = FaultyTransport(Wire(noted), LinkFaults, Agenda(), lambda: noted.append("flushed"))
    link.write(b"answer")
    link.writelines([b"two", b"more"])
    assert noted == ["flushed", "answer", "flushed", "twomore"]


async def test_flushed_lines_can_be_read_while_the_file_is_open(tmp_path: Path) -> None:
    path = tmp_path / "smsc.jsonl"
    log = LogFile(path)
    log.write({"number": 1})
    log.flush()
    assert path.read_text() == '{"number":1}\n'
    log.close()
    log.flush()


async def test_line_that_a_killed_process_left_unfinished_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "smsc.jsonl"
    path.write_text('{"number":1}\n{"numb')
    log = LogFile(path)
    log.write({"number": 2})
    log.close()
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["number"] for line in whole] == [1, 2]


def test_judge_finds_the_fullest_second_wherever_it_begins() -> None:
    judge = RateJudge()
    for moment in (0.0, 0.9, 1.0, 1.1, 1.85, 3.0):
        judge.add(moment)
    assert (judge.total, judge.max_per_second, judge.per_second(3.0)) == (6, 4, 1)
