"""`smpp listen`: prints what comes and leaves it to the SMSC, unless told otherwise."""

import asyncio
import json
import sys
from signal import SIGINT

import pytest
from click.testing import CliRunner

from smpp.cli import main
from smpp.simulator import Receipts, Script, Simulator
from smpp.status import CommandStatus
from smpp.wire.pdu import SubmitSm
from tests.smpp.simulator.esme import esme

PATIENT = Script(receipts=Receipts(retry=60))


async def listen(simulator: Simulator, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "smpp",
        "listen",
        simulator.url(0, "demo", "x"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    output, errors = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, output.decode(), errors.decode()


async def test_what_comes_is_printed_and_left_to_the_smsc() -> None:
    async with Simulator(script=PATIENT) as simulator:
        (delivery,) = simulator.deliver("Привет", source="447900900123", destination="12345", system_id="demo")
        code, output, errors = await outcome(await listen(simulator, "--count", "1"))
        assert (code, output) == (0, "message from 447900900123 to 12345: 'Привет'\n")
        assert "answered 0x64" in errors
        assert delivery.status == CommandStatus.ESME_RX_T_APPN


async def test_what_is_accepted_is_gone_and_that_is_warned_of() -> None:
    async with Simulator() as simulator:
        parts = simulator.deliver("x" * 200, source="447900900123", destination="12345", system_id="demo")
        code, output, errors = await outcome(await listen(simulator, "--count", "2", "--accept", "--json"))
        assert code == 0
        assert "takes messages and receipts from the SMSC for good" in errors
        objects = [json.loads(line) for line in output.splitlines()]
        assert [item["part"]["number"] for item in objects] == [1, 2]
        assert objects[1]["text"] == "x" * 47
        assert objects[0]["octets"].startswith("050003")
        assert [await part.wait(5) for part in parts] == [0, 0]


async def test_receipts_are_taken_apart() -> None:
    submit = SubmitSm("", 5, 0, "INFO", 1, 1, "447900900123", registered_delivery=1, short_message=b"hello")
    async with Simulator(script=PATIENT) as simulator:
        async with esme(simulator, mode="tx") as sender:
            await sender.ask(submit)
        code, output, _ = await outcome(await listen(simulator, "--count", "1", "--json"))
        shown = json.loads(output)
        assert (code, shown["kind"], shown["receipt"]["id"]) == (0, "receipt", "1")
        assert (shown["receipt"]["state"], shown["receipt"]["text"]) == ("DELIVERED", "hello")
        assert {"tag": 0x001E, "name": "receipted_message_id", "value": "3100"} in shown["tlvs"]


async def test_ctrl_c_unbinds() -> None:
    async with Simulator() as simulator:
        process = await listen(simulator)
        await simulator.wait_until(lambda: simulator.counters["binds"] == 1, timeout=20)
        process.send_signal(SIGINT)
        assert (await outcome(process))[0] == 0
        await simulator.wait_until(lambda: not simulator.servers[0].sessions)


async def test_a_lost_link_exits_with_1() -> None:
    async with Simulator() as simulator:
        process = await listen(simulator)
        await simulator.wait_until(lambda: simulator.counters["binds"] == 1, timeout=20)
        simulator.servers[0].drop()
        code, _, errors = await outcome(process)
        assert code == 1
        assert errors.splitlines()[-1].startswith("smpp listen: 127.0.0.1:")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smpp://demo:x@127.0.0.1?bind=tx", "a transmitter receives nothing"),
        ("smpp://127.0.0.1", "names no system_id"),
        ("ftp://demo:x@127.0.0.1", "URL scheme is 'ftp'"),
    ],
)
def test_bad_urls_exit_with_2(url: str, expected: str) -> None:
    result = CliRunner().invoke(main, ["listen", url])
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
