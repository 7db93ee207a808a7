"""Every example runs, as its own docstring says, against a simulated SMSC."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

import smpp
from smpp.simulator import Simulator

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def example(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """An example as a process of its own; ended by its process id if it does not end itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"examples.{name}",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        await process.wait()


async def output_of(name: str, *arguments: str) -> str:
    """What an example prints; it has to end well."""
    async with example(name, *arguments) as process:
        printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()
        return printed.decode()


async def read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(["smpp://127.0.0.1:0", "smpp://127.0.0.1:0"], id_format="hex", seed=1) as simulator:
        yield simulator


async def test_codec_shows_octets_parts_and_an_error() -> None:
    printed = await output_of("codec")

    assert printed.startswith("00000010000000150000000000000007 ")
    assert "submit_sm.source_addr holds at most 20 characters" in printed


async def test_send_one_waits_for_its_receipt(simulator: Simulator) -> None:
    printed = await output_of("send_one", simulator.url(0, "demo", "secret"))

    assert printed == "1: DELIVRD\n"
    assert simulator.log[0].octets.endswith(b"Your code is 4711")


async def test_send_many_uses_every_bind(simulator: Simulator) -> None:
    count = 10_000  # many windows full, so that the last bind is up long before the last message

    printed = await output_of("send_many", str(count), *simulator.urls)

    assert printed == f"{{'Submission': {count}}}\n"
    assert len({entry.octets[16:] for entry in simulator.log}) == count
    assert len({entry.bind for entry in simulator.log}) == 4


async def test_dlt_sends_the_ids_and_asks_for_the_state(simulator: Simulator) -> None:
    printed = await output_of("dlt", simulator.url(0, "demo", "secret"))

    assert printed.startswith("1 QuerySmResp(message_id='1'")
    assert b"\x14\x00\x00\x131101000010000012345\x14\x01\x00\x131107161234567890123" in simulator.log[0].octets


async def test_receive_acknowledges_what_it_has_printed(simulator: Simulator) -> None:
    async with example("receive", simulator.url(0, "demo", "secret") + "?bind=rx") as process:
        await simulator.wait_until(lambda: simulator.counters["binds"] == 1, timeout=PATIENCE_SECONDS)
        (delivery,) = simulator.deliver("Hello 🙂", source="4479460000", destination="40404")
        assert await delivery.wait(timeout=PATIENCE_SECONDS) == 0
        assert await read_line(process) == "4479460000: Hello 🙂"
        await simulator.stop()
        await process.wait()
        assert process.returncode == 0


async def test_smsc_lets_in_who_knows_the_password() -> None:
    async with example("smsc", "smpp://127.0.0.1:0") as process:
        port = (await read_line(process)).removeprefix("listening on port ")
        async with smpp.connect(f"smpp://demo:secret@127.0.0.1:{port}") as client:
            sent = await client.send(sender="INFO", to="919876543210", text="Hello", receipt=False)
            assert sent.message_ids == ("1",)
            with pytest.raises(smpp.SubmitRejected, match="ESME_RINVDSTADR"):
                await client.send(sender="INFO", to="nobody", text="Hello")
        with pytest.raises(smpp.BindFailed):
            async with smpp.connect(f"smpp://demo:wrong@127.0.0.1:{port}"):
                pass
