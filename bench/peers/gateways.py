"""Gateways as processes, for measuring: ours on SQLite or PostgreSQL, and Kannel with its spool store."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

from bench.peers.http_load import Posting
from tests.ports import free_port

ROOT: Final = Path(__file__).parents[2]
KEY: Final = "bench-key"
TICKS: Final = 100
_START_SECONDS: Final = 60.0
START_TRIES: Final = 3
AROUND: Final = {**os.environ, "BENCH_LOOP": "uvloop" if find_spec("uvloop") else ""}
"""The environment of what feeds gateways and of what they feed: lean, for the machine's cores are the gateways'."""


class World:
    """The SMSC and the receiver of callbacks (gateway_world.py)."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        ports = self._read()
        self.smpp_ports: Sequence[int] = ports["smpp"]
        self.callback_url = f"http://127.0.0.1:{ports['http']}/callbacks"

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def counts(self) -> dict[str, Any]:
        """What it has seen."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        found: dict[str, Any] = self._read()
        return found

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid


@contextmanager
def world(servers: int = 2, rate: float = 0.0) -> Iterator[World]:
    """What stands round a gateway, as a process."""
    settings = json.dumps({"servers": servers, "rate": rate})
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.gateway_world", settings],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=AROUND,
    )
    try:
        yield World(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


@dataclass(slots=True)
class Running:
    """A gateway that takes messages."""

    name: str
    port: int
    processes: list["subprocess.Popen[bytes]"]
    profile: Path | None = None
    kannel: str = ""
    """The callback URL its requests have to carry."""
    before: dict[str, float] = field(default_factory=dict)

    def posting(self, **settings: Any) -> Posting:
        """What to post to it."""
        return Posting(ports=(self.port,), key=KEY, kannel=self.kannel, **settings)

    def cpu_seconds(self) -> dict[str, float]:
        """By thread: processor time so far."""
        used: dict[str, float] = {}
        for process in self.processes:
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                fields = (task / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
                name = "event loop" if task.name == str(process.pid) else "store and other threads"
                used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
        return used


def config_text(around: World, store: str, *, node: str, binds: int, uplink: str = "", more: str = "") -> str:
    """The config of a gateway of ours."""
    servers = ", ".join(f'"smpp://127.0.0.1:{port}"' for port in around.smpp_ports)
    return f"""
[node]
name = "{node}"
lease_seconds = 4
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "{store}"
[webhooks]
allow_private_networks = ["127.0.0.0/8"]
per_host = 50
[uplink.main]
servers = [{servers}]
system_id = "demo"
password = "secret"
window = 200
binds_per_server = {binds}
{uplink}
[[route]]
uplinks = ["main"]
[account.shop]
api_keys = ["{KEY}"]
callback_url = "{around.callback_url}"
{more}
"""


@contextmanager
def smppkit(
    folder: Path,
    around: World,
    store: str = "",
    *,
    node: str = "node-1",
    binds: int = 1,
    uplink: str = "",
    more: str = "",
    is_profiled: bool = False,
) -> Iterator[Running]:
    """Ours, as users run it or noting what its event loop (asyncio's) is at; by default on SQLite in the folder."""
    config, log, profile = (folder / f"{node}.{ending}" for ending in ("toml", "log", "json"))
    config.write_text(
        config_text(around, store or f"sqlite:{folder}/{node}.db", node=node, binds=binds, uplink=uplink, more=more),
        encoding="utf-8",
    )
    program = ["bench.peers.profiled_gateway", str(config), str(profile)]
    if not is_profiled:
        program = ["gateway", "serve", str(config), "--log-format", "json"]
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", *program], stderr=output, cwd=ROOT)
        try:
            port = int(_wait_for(log, rb'"http": ?"127\.0\.0\.1:(\d+)"')[1])
            _wait_for(log, rb'"bind is up"')
            yield Running(
                f"smppkit, {'PostgreSQL' if store else 'SQLite'}", port, [process], profile if is_profiled else None
            )
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def kannel_missing() -> str:
    """Why Kannel cannot run here; "" where it can."""
    if _kannel("bearerbox") is None or _kannel("smsbox") is None:
        return "Kannel is not installed; on Debian: apt-get install kannel"
    return ""


def _kannel(program: str) -> str | None:
    return shutil.which(program) or shutil.which(f"/usr/sbin/{program}")


KANNEL: Final = """
group = core
admin-port = {admin}
admin-password = bench
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = 3
store-type = spool
store-location = "{folder}/spool"
dlr-storage = internal

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
log-file = "{folder}/smsbox.log"
log-level = 3

group = sendsms-user
username = bench
password = bench
max-messages = 1
"""

KANNEL_SMSC: Final = """
group = smsc
smsc = smpp
smsc-id = s{number}
host = 127.0.0.1
port = {port}
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
transceiver-mode = true
max-pending-submits = 200
enquire-link-interval = 30
"""


@contextmanager
def kannel(
    folder: Path, smsc_ports: Sequence[int], *, callback_url: str, system_id: str = "demo", password: str = "secret"
) -> Iterator[Running]:
    """Kannel with its spool store, bound as a transceiver to each port.

    One smsc-id for each: it finds a receipt only under that of its message.
    """
    (folder / "spool").mkdir(parents=True)
    for left in reversed(range(START_TRIES)):
        with ExitStack() as stack:
            try:
                http, processes = _start_kannel(folder, smsc_ports, system_id, password, stack)
            except RuntimeError:
                # Somebody was quicker at one of its ports.
                if not left:
                    raise
                continue
            yield Running("Kannel, spool", http, processes, kannel=callback_url)
            return


def _start_kannel(
    folder: Path, smsc_ports: Sequence[int], system_id: str, password: str, stack: ExitStack
) -> "tuple[int, list[subprocess.Popen[bytes]]]":
    admin, box, http = (free_port() for _ in range(3))
    text = KANNEL.format(admin=admin, box=box, http=http, folder=folder)
    for number, port in enumerate(smsc_ports):
        text += KANNEL_SMSC.format(number=number, port=port, system_id=system_id, password=password)
    config = folder / "kannel.conf"
    config.write_text(text, encoding="ascii")
    output: IO[bytes] = stack.enter_context((folder / "kannel.out").open("ab"))
    processes = []
    for program, port in (("bearerbox", box), ("smsbox", http)):
        path = _kannel(program)
        assert path is not None
        process = subprocess.Popen([path, "-v", "4", str(config)], stdout=output, stderr=output, cwd=folder)
        stack.callback(_end, process)
        processes.append(process)
        _wait_for_port(port, process)
    return http, processes


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(log: Path, pattern: bytes) -> "re.Match[bytes]":
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        found = re.search(pattern, log.read_bytes())
        if found is not None:
            return found
        time.sleep(0.05)
    raise RuntimeError(f"the gateway did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")
