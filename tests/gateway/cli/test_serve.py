"""``gateway serve`` as a process: signals read the config again, or end it."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0

CONFIG = """
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "memory:"
[uplink.main]
servers = ["smpp://127.0.0.1:1"]
[[route]]
uplinks = ["main"]
[account.shop]
api_keys = ["shop-key"]
"""


async def line(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """Read the log until this is said."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while octets := await process.stderr.readline():
            said: dict[str, Any] = json.loads(octets)
            if said["event"] == event:
                return said
    raise AssertionError(f"the process ended without saying {event!r}")


async def test_a_hangup_reads_the_config_again_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve", str(file), "--log-format", "json"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        await line(process, "serving")
        file.write_text(CONFIG + 'default_sender = "NEW"\n')
        process.send_signal(signal.SIGHUP)
        said = await line(process, "the config was read again")
        assert said["changed"] == ["account.shop"]
        file.write_text(CONFIG + 'default_sender = ["NEW"]\n')
        process.send_signal(signal.SIGHUP)
        said = await line(process, "the config was not read again: the old one stays")
        assert f"{file}: account.shop.default_sender" in said["error"]
        process.send_signal(signal.SIGTERM)
        await line(process, "stopped")
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
