"""Wireshark's tshark reads what we record."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import smpp
from smpp.simulator import Simulator, throw_away_tls
from tests.interop.peers import missing

pytestmark = pytest.mark.interop

LONG = "The quick brown fox jumps over the lazy dog. " * 8
FIELDS = (
    "smpp.command_id",
    "smpp.command_status",
    "smpp.sequence_number",
    "smpp.system_id",
    "smpp.password",
    "smpp.source_addr",
    "smpp.destination_addr",
    "smpp.esm.submit.features",
    "smpp.message_id",
    "smpp.opt_param_tag",
)
Layer = dict[str, list[str]]


def tshark(path: Path, *arguments: str) -> str:
    """Its output; checksums are looked at too."""
    program = shutil.which("tshark")
    if program is None:
        missing("tshark", "run apt-get install tshark")
    options = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
    done = subprocess.run(
        [program, "-r", str(path), *options, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pdus_in(path: Path) -> Iterator[Layer]:
    """Every PDU that tshark sees, as field name to shown values."""
    chosen = [word for name in ("frame.number", *FIELDS) for word in ("-e", name)]
    for packet in json.loads(tshark(path, "-Y", "smpp", "-T", "json", "--no-duplicate-keys", *chosen)):
        yield packet["_source"]["layers"]


def column(path: Path, name: str) -> list[str]:
    """The values of one field, in order."""
    return [value for layer in pdus_in(path) for value in layer.get(name, [])]


async def session(url: str, **options: Any) -> None:
    """Bind, submit a long message with TLVs, get receipts, unbind."""
    tlvs = smpp.Tlvs.of(smpp.tlv.user_message_reference(7), smpp.dlt.pe_id("110100001"))
    async with smpp.connect(url, **options) as client:
        sent = await client.send(sender="INFO", to="447700900123", text=LONG, tlvs=tlvs)
        assert (await sent.receipt(timeout=20)).state is smpp.MessageState.DELIVERED
        await client.send(sender="INFO", to="447700900123", text="Привет 😀" * 800, method="payload", receipt=False)
        assert isinstance(await client.request(smpp.EnquireLink()), smpp.EnquireLinkResp)


async def test_a_recorded_session_reads_without_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    async with Simulator(system_id="SMSC") as simulator:
        await session(simulator.url(0, "demo", "secret"), record=path)
    faults = "_ws.malformed || _ws.expert.severity >= 6291456 || tcp.analysis.flags || ip.checksum.status == 0"
    assert tshark(path, "-Y", faults) == ""
    commands = [int(value, 16) for value in column(path, "smpp.command_id")]
    submits, delivers = [c for c in commands if c & 0x7FFFFFFF == 4], [c for c in commands if c & 0x7FFFFFFF == 5]
    assert commands[:3] == [0x00000009, 0x80000009, 0x00000004]
    assert sorted(submits) == [4] * 4 + [0x80000004] * 4
    assert sorted(delivers) == [5] * 3 + [0x80000005] * 3
    assert commands[-4:] == [0x00000015, 0x80000015, 0x00000006, 0x80000006]


async def test_fields_read_as_they_were_sent(tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    async with Simulator(system_id="SMSC") as simulator:
        await session(simulator.url(0, "demo", "secret"), record=path)
    assert column(path, "smpp.system_id") == ["demo", "SMSC"]
    assert column(path, "smpp.password") == ["******"]
    assert set(column(path, "smpp.command_status")) == {"0x00000000"}
    assert column(path, "smpp.source_addr").count("INFO") == 4
    ids = [entry.message_id for entry in simulator.log]
    assert [value for value in column(path, "smpp.message_id") if value in ids] == ids
    tags = [int(value, 16) for value in column(path, "smpp.opt_param_tag")]
    assert [tags.count(tag) for tag in (0x0204, 0x1400, 0x0424, 0x001E, 0x0427)] == [3, 3, 1, 3, 3]


async def test_a_server_records_what_its_clients_send(tmp_path: Path) -> None:
    path = tmp_path / "server.pcapng"

    async def on_submit(_: smpp.ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        return smpp.SubmitSmResp(message_id=f"for-{request.destination_addr}")

    async with smpp.serve("smpp://127.0.0.1:0", on_submit=on_submit, record=path) as server:
        for number in (1, 2):
            async with smpp.connect(f"smpp://esme{number}:secret@127.0.0.1:{server.ports[0]}") as client:
                await client.send(sender="INFO", to=f"44770090012{number}", text="hi")
    assert tshark(path, "-Y", "_ws.malformed || tcp.analysis.flags") == ""
    assert [value for value in column(path, "smpp.system_id") if value.startswith("esme")] == ["esme1", "esme2"]
    assert column(path, "smpp.password") == ["******"] * 2
    assert column(path, "smpp.message_id") == ["for-447700900121", "for-447700900122"]


async def test_what_tls_carries_is_recorded_readably(tmp_path: Path) -> None:
    path, tls = tmp_path / "session.pcapng", throw_away_tls()
    async with Simulator(["smpps://127.0.0.1:0"], ssl_context=tls.server_context) as simulator:
        await session(simulator.url(0, "demo", "secret"), record=path, ssl_context=tls.client_context())
    assert tshark(path, "-Y", "_ws.malformed") == ""
    assert column(path, "smpp.password") == ["******"]


async def test_the_binds_of_a_pool_share_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "pool.pcapng"
    async with Simulator(["smpp://127.0.0.1:0", "smpp://127.0.0.1:0"]) as simulator:
        pool = smpp.Pool(simulator.urls, system_id="demo", password="secret", record=path)
        async with pool:
            await pool.wait_bound(2, timeout=20)
    assert column(path, "smpp.password") == ["******"] * 2
    assert tshark(path, "-Y", "_ws.malformed || tcp.analysis.flags") == ""
