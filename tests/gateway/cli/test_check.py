"""``gateway check``: what is tried, and what is said of it."""

import asyncio
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main
from smpp.simulator import Simulator


async def check(file: Path) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["check", str(file), "--timeout", "5"])


def write(tmp_path: Path, servers: list[str], base_url: str) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(f"""
[uplink.smsc]
servers = {servers!r}
system_id = "demo"
password = "secret"
[uplink.rest]
kind = "mocean"
base_url = "{base_url}"
key = "k"
secret = "s"
[[route]]
uplinks = ["smsc", "rest"]
""")
    return file


async def test_an_smsc_is_bound_to_and_sent_nothing(tmp_path: Path) -> None:
    async with Simulator([["smpp://127.0.0.1:0"]], credentials={"demo": "secret"}) as simulator:
        shown = await check(write(tmp_path, [simulator.urls[0]], "http://127.0.0.1:1"))
        assert f"uplink smsc {simulator.urls[0]}: bound" in shown.stdout
        assert simulator.counters["binds"] == 1
        assert not simulator.log


async def test_what_cannot_be_reached_is_named(tmp_path: Path) -> None:
    shown = await check(write(tmp_path, ["smpp://127.0.0.1:1"], "http://127.0.0.1:1"))
    assert shown.exit_code == 1
    assert "uplink smsc smpp://127.0.0.1:1: " in shown.stdout
    assert "uplink rest http://127.0.0.1:1: " in shown.stdout


async def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path) -> None:
    async with Simulator([["smpp://127.0.0.1:0"]], credentials={"demo": "other"}) as simulator:
        shown = await check(write(tmp_path, [simulator.urls[0]], "http://127.0.0.1:1"))
    assert shown.exit_code == 1
    assert "ESME_R" in shown.stdout
    assert "secret" not in shown.output
