"""The servers of the chaos run as processes, and what befalls them: drawn from one seed."""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.chaos_smsc import Settings
from bench.runs import ROOT

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 20.0

FAULTS: Final = {
    "killed": 4.0,
    "restarted": 3.0,
    "frozen": 4.0,
    "reset": 4.0,
    "throttling": 3.0,
    "queue full": 1.0,
    "answering late": 3.0,
    "answering in part": 2.0,
    "refusing binds": 2.0,
}
"""What happens, and how often beside the others."""


class SmscProcess:
    """A server in a process of its own, which keeps its port and its log over its lives."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_away = False
        """Whether something befalls the process itself just now."""
        self.stuck = 0
        """How often it did not end when it was told to."""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; returns when it listens."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.chaos_smsc",
            self.settings.to_json(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"server {self.settings.index} did not start")
        self.settings = replace(self.settings, port=int(line), seed=self.settings.seed + 1)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it in order, or by another signal."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.send_signal(signal.SIGQUIT)
            await asyncio.sleep(0.5)
            process.kill()
            await process.wait()
            self.stuck += 1

    def freeze(self) -> None:
        """Stop it where it is; connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)

    def order(self, kind: str, **order: float) -> None:
        """Tell it to misbehave."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"kind": kind, **order}).encode() + b"\n")

    async def close(self) -> None:
        """It is gone after this, whatever state it was in."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Weather:
    """Lets things happen to the servers.

    Args:
        servers: all of them.
        seed: of what happens.
        pause_seconds: between two things, on average.
        longest: seconds that an answer comes late, at most; some come after the sender has given up.
        tell: called with what happens.
    """

    def __init__(
        self,
        servers: Sequence[SmscProcess],
        *,
        seed: int,
        pause_seconds: float,
        longest: float,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._servers = servers
        self._random = random.Random(seed)
        self._pause = pause_seconds
        self._longest = longest
        self._tell = tell

    async def run(self, seconds: float) -> None:
        """Let things happen for so long; afterwards all servers are up and well."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        async with asyncio.TaskGroup() as group:
            while loop.time() < end:
                # Everything is drawn here, in one order, whatever happens meanwhile.
                kind = self._random.choices(list(FAULTS), list(FAULTS.values()))[0]
                server = self._random.choice(self._servers)
                span = min(8.0, 0.2 + self._random.expovariate(0.6))
                share = self._random.uniform(0.1, 1.0)
                if not server.is_away:
                    self.counts[kind] += 1
                    self._tell(f"server {server.settings.index} {kind}")
                    group.create_task(self._befall(server, kind, span, share))
                await asyncio.sleep(min(5 * self._pause, self._random.expovariate(1 / self._pause)))

    async def _befall(self, server: SmscProcess, kind: str, span: float, share: float) -> None:
        match kind:
            case "killed" | "restarted":
                server.is_away = True
                await server.end(signal.SIGKILL if kind == "killed" else signal.SIGTERM)
                await asyncio.sleep(span)
                await server.start()
                server.is_away = False
            case "frozen":
                server.is_away = True
                server.freeze()
                try:
                    await asyncio.sleep(span)
                finally:
                    server.thaw()
                server.is_away = False
            case "reset":
                server.order("reset")
            case "throttling":
                server.order("throttle", seconds=span, share=share, longest=0)
            case "queue full":
                server.order("full", seconds=span, share=share, longest=0)
            case "answering late":
                server.order("delay", seconds=span, share=share, longest=self._longest)
            case "answering in part":
                server.order("silence", seconds=span, share=share / 4, longest=0)
            case "refusing binds":
                server.order("refuse_binds", seconds=span, share=share, longest=0)


def new_servers(folder: Path, seed: int, certificate: str) -> list[SmscProcess]:
    """Four servers that are not started yet: two of them speak TLS."""
    return [
        SmscProcess(
            Settings(
                index=index,
                port=0,
                folder=str(folder),
                seed=seed + 1000 * index,
                certificate=certificate if index % 2 else "",
            )
        )
        for index in range(4)
    ]
