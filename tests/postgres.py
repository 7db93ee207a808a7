"""A PostgreSQL cluster of the tests' own: in a temporary folder, on a Unix socket, with all that makes it durable on.

The server's programs are found on PATH or in Debian's folder. Where there are none the tests are skipped, loudly; with
`CI` set that is a failure.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
import pytest

START_SECONDS: Final = 60.0
_NAMES: Final = count(1)


class Cluster:
    """A server and its folder."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_as_somebody(), str(self._programs / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"

    def create(self) -> None:
        """Make the folder of an empty cluster."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, _user())
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-locale")

    def start(self, **settings: str) -> None:
        """Start the server and wait until it answers."""
        values = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
            "shared_buffers": "64MB",
        } | settings
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data")]
        command += [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_somebody(), *command], stdout=subprocess.DEVNULL, stderr=log, cwd="/", process_group=0
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, f"postgres ended:\n{(self.folder / 'log').read_text()[-2000:]}"
            assert time.monotonic() < deadline, "postgres does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        asked = subprocess.run(
            [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-d", "postgres"], check=False
        )
        return asked.returncode == 0

    @property
    def pid(self) -> int:
        """Of the server's first process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End all its processes as a power cut would."""
        assert self._process is not None
        # The server's children leave when they notice; killed one by one they do not have the time to write.
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        for pid in (self.pid, *map(int, children.split())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(START_SECONDS)

    def stop(self) -> None:
        """End it at once."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def url(self, schema: str = "") -> str:
        """Of the server, or of a schema in it."""
        more = f"&search_path={schema}" if schema else ""
        return f"postgresql://tests@/postgres?host={self.folder}{more}"

    async def new_url(self) -> str:
        """The URL of an empty store; a schema is made much sooner than a database."""
        name = f"s{os.getpid()}_{next(_NAMES)}"
        await self.execute(f"CREATE SCHEMA {name}")
        return self.url(name)

    async def execute(self, statement: str, url: str = "") -> None:
        """Execute something as an outsider."""
        connection = await asyncpg.connect(url or self.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def wait_for_start(self) -> None:
        """Start it again without holding up the loop."""
        await asyncio.to_thread(self.start)


def _user() -> str:
    """Whom the server runs as where we are root, which it refuses."""
    passwd = Path("/etc/passwd").read_text(encoding="utf-8")
    return "postgres" if "\npostgres:" in passwd else "nobody"


def _as_somebody() -> list[str]:
    return [] if os.geteuid() else ["setpriv", f"--reuid={_user()}", "--clear-groups"]


def _programs() -> Path | None:
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    needed = ("initdb", "postgres", "pg_isready")
    return next((path for path in found if all((path / name).exists() for name in needed)), None)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running cluster; skips the test, or fails it in CI, where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        reason = "PostgreSQL's server is not installed (Debian: apt-get install postgresql): its store is NOT TESTED"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="smppkit-pg-", dir="/tmp"))  # The path of a socket has to be short.
    running = Cluster(programs, folder)
    try:
        running.create()
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
