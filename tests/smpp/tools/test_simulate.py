"""`smpp simulate`, as a shell calls it."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from smpp.cli import main
from smpp.endpoint import client_tls
from smpp.simulator import example_script
from smpp.wire import decode, encode
from smpp.wire.pdu import BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp

SUBMIT = SubmitSm("", 5, 0, "INFO", 1, 1, "447900900123", registered_delivery=1, short_message=b"hello")


class Running:
    """A simulator in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, expected: str) -> re.Match[str]:
        """Read lines until one matches."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, f"ended without {expected!r}: {self.lines}"
                self.lines.append(line.rstrip("\n"))
                found = re.search(expected, line)
                if found:
                    return found

    async def port(self) -> int:
        """The port of the next listener it names."""
        return int((await self.line(r"listening on \S+:(\d+)"))[1])

    async def stop(self) -> str:
        """Ctrl-C; what it says then."""
        self.process.send_signal(signal.SIGINT)
        output, _ = await asyncio.wait_for(self.process.communicate(), 20)
        return output.decode()


@asynccontextmanager
async def simulate(*arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "smpp", "simulate", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> DeliverSm:
    """Bind, submit, take the receipt."""

    async def read() -> object:
        head = await reader.readexactly(4)
        pdu = decode(head + await reader.readexactly(int.from_bytes(head, "big") - 4))
        if isinstance(pdu.message, DeliverSm):
            writer.write(encode(DeliverSmResp(), pdu.sequence_number))
        return pdu.message

    async with asyncio.timeout(60):
        writer.write(encode(BindTransceiver("demo", "x"), 1))
        await read()
        writer.write(encode(SUBMIT, 2))
        assert await read() == SubmitSmResp("255")
        receipt = await read()
        assert isinstance(receipt, DeliverSm)
        return receipt


async def test_it_tells_where_it_listens_what_happens_and_what_happened(tmp_path: Path) -> None:
    log, ca = tmp_path / "log.jsonl", tmp_path / "ca.pem"
    options = ["--port", "0", "--tls-port", "0", "--ca-out", str(ca), "--id-start", "255", "--log", str(log)]
    async with simulate(*options, "--receipt-form", "text") as running:
        await running.port()
        tls_port = await running.port()
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", tls_port, ssl=client_tls(str(ca)), server_hostname="127.0.0.1"
        )
        receipt = await talk(reader, writer)
        assert receipt.short_message.startswith(b"id:255 ")
        assert receipt.tlvs == ()
        await running.line("> receipt 255 DELIVERED to demo: ESME_ROK, attempt 1")
        writer.close()
        await writer.wait_closed()
        summary = await running.stop()
        assert running.process.returncode == 0
    assert any(line.endswith("< submit_sm demo: INFO to 447900900123: id 255") for line in running.lines)
    assert re.search(r"^submitted +1$", summary, re.M)
    assert re.search(r": 1 messages, at most 1/s$", summary, re.M)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events] == ["submit", "receipt"]
    assert events[0]["octets"] == encode(SUBMIT, 2).hex()


async def test_handsets_write_at_their_rate() -> None:
    async with simulate("--port", "0", "--mo-rate", "200", "--mo-text", "hi", "--mo-to", "777", "--quiet") as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", await running.port())
        writer.write(encode(BindTransceiver("demo", "x"), 1))
        async with asyncio.timeout(60):
            seen = b""
            while seen.count(b"777\0") < 3:
                seen += await reader.read(4096)
        writer.close()
        await running.stop()


async def test_credentials_are_asked_for_where_given() -> None:
    async with simulate("--port", "0", "--system-id", "demo", "--password", "right") as running:
        _, writer = await asyncio.open_connection("127.0.0.1", await running.port())
        writer.write(encode(BindTransceiver("demo", "wrong"), 1))
        await running.line("refused bind of demo: wrong credentials")
        writer.close()
        assert "right" not in "".join(running.lines) + await running.stop()


def test_it_prints_a_script_to_start_from() -> None:
    result = CliRunner().invoke(main, ["simulate", "--print-script"])
    assert result.exit_code == 0
    assert result.stdout == example_script()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--tls-port", "0"], "--tls-port needs --cert, or --ca-out for a certificate of this run"),
        (["--script", "no-such.toml"], "smpp simulate: no-such.toml: expected a readable TOML file"),
        (["--mo-rate", "-1"], "-1.0 is not in the range"),
        (["--receipt-form", "nice"], "'nice' is not one of"),
    ],
)
def test_bad_input_exits_with_2(arguments: Sequence[str], expected: str) -> None:
    result = CliRunner().invoke(main, ["simulate", *arguments])
    assert result.exit_code == 2
    assert expected in result.stderr


def test_a_bad_script_is_named_with_key_value_and_expectation(tmp_path: Path) -> None:
    script = tmp_path / "s.toml"
    script.write_text('[[rule]]\nstatus = "ESME_RFOO"\n')
    result = CliRunner().invoke(main, ["simulate", "--script", str(script)])
    assert result.exit_code == 2
    assert result.stderr == (
        f"smpp simulate: {script}: rule[0].status = 'ESME_RFOO': expected a command_status: a name such as"
        " ESME_RTHROTTLED, or 0 to 0xFFFFFFFF\n"
    )


async def test_a_port_that_is_taken_exits_with_1() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smpp", "simulate", "--port", str(port), stderr=asyncio.subprocess.PIPE
        )
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert errors.startswith(b"smpp simulate: ")
    assert errors.count(b"\n") == 1
