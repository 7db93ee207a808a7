"""A disk that is really full in mid-load: refused clearly, nothing corrupted, and work goes on when there is room.

Needs the right to mount a small file system; elsewhere the limit on file sizes in test_store_faults.py stands in.
"""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from smpp.simulator import Receipts, Rule, Script, Simulator
from tests.faults.processes import Bench, bench, eventually
from tests.whole_path import PATIENCE_SECONDS


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, and small, where the gateway keeps its data."""
    folder = tmp_path / "data"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if mount is None or os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here: a disk that is really full is NOT TESTED")
    yield folder
    # The gateway has ended by now.
    subprocess.run(["umount", str(folder)], check=True)


def smsc() -> Simulator:
    script = Script(rules=(Rule(delay=0.01),), receipts=Receipts(attempts=1_000, retry=0.05, delay=0.05))
    return Simulator(("smpp://127.0.0.1:0",) * 2, credentials={"demo": "secret"}, script=script, seed=5)


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)


class Poster:
    """Posts in a row, whatever is answered, and notes what was."""

    def __init__(self, path: Bench) -> None:
        self._path = path
        self._is_over = False
        self.statuses: set[int] = set()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self._is_over:
            messages = self._path.new_messages(5)
            async with self._path.gateway.http.post("/api/v1/messages", json=messages) as answer:
                self.statuses.add(answer.status)
                if answer.status == 202:
                    for accepted in await answer.json():
                        self._path.accepted[accepted["id"]] = accepted["to"]
                else:
                    assert (await answer.json())["error"]["code"] == "store_unavailable"
                    await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._is_over = True
        await self._task


async def test_a_full_disk_refuses_and_nothing_is_lost_once_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    async with bench(tmp_path, smsc()) as path:
        await path.gateway.start()
        poster = Poster(path)
        await path.simulator.wait_until(lambda: len(path.simulator.log) >= 50, PATIENCE_SECONDS)
        ballast = small_disk / "ballast"
        fill(ballast)
        await eventually(lambda: 503 in poster.statuses)
        await path.health_is(503)
        before = len(path.accepted)
        ballast.unlink()
        await path.health_is(200)
        await eventually(lambda: len(path.accepted) >= before + 20)
        await poster.stop()
        assert poster.statuses == {202, 503}
        await path.assert_nothing_lost()
        await path.gateway.terminate()
        with sqlite3.connect(small_disk / "gateway.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


async def test_sigterm_under_load_ends_within_its_deadline_and_loses_nothing(tmp_path: Path) -> None:
    more = "[node]\nshutdown_seconds = 5.0"
    async with bench(tmp_path, smsc(), more=more) as path:
        for _ in range(2):
            await path.gateway.start()
            before = len(path.simulator.log)

            async def post() -> None:
                while True:
                    messages = path.new_messages(5)
                    try:
                        async with path.gateway.http.post("/api/v1/messages", json=messages) as answer:
                            if answer.status == 202:
                                for accepted in await answer.json():
                                    path.accepted[accepted["id"]] = accepted["to"]
                            else:
                                # It says that it is about to end.
                                assert answer.status in (429, 503)
                                return
                    except (aiohttp.ClientError, ConnectionError):
                        return

            posting = [asyncio.create_task(post()) for _ in range(3)]
            await path.simulator.wait_until(lambda before=before: len(path.simulator.log) >= before + 100, 20)
            await path.gateway.terminate(timeout=5.0 + 2.0)
            await asyncio.gather(*posting)
        await path.gateway.start()
        await path.assert_nothing_lost()
