"""Tells what happens: to the log in memory, to a file, to a listener, and to whoever waits for something to be so."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smpp.log import log
from smpp.simulator.delivery import Delivery
from smpp.simulator.record import LogEntry, LogFile
from smpp.status import status_name
from smpp.wire.pdu import SubmitMulti


@dataclass(frozen=True, slots=True)
class SimulatorEvent:
    """Something that happened, for a person to read.

    Attributes:
        kind: "connected", "bound", "refused", "closed", "submit", "operation", "receipt", "notification" or "message".
        text: one line.
        server: index of the server; None where there is none.
        bind: name of the connection.
    """

    kind: str
    text: str
    server: int | None = None
    bind: str = ""


class Chronicle:
    """Keeps and tells what happened; needs a running loop.

    Args:
        log: where entries go.
        path: of the log file; None for none.
        on_event: told of everything.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(
        self, log: deque[LogEntry], path: str | Path | None, on_event: Callable[[SimulatorEvent], None] | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._file = LogFile(path) if path is not None else None
        self._on_event = on_event
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._check_scheduled = False

    def close(self) -> None:
        """Close the file; whoever still waits has a last look."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._check()

    def flush(self) -> None:
        """What happened so far stands in the file: called before octets leave."""
        if self._file is not None:
            self._file.flush()

    async def wait_until(self, predicate: Callable[[], bool], timeout: float) -> None:
        """Wait until something is so.

        Raises:
            TimeoutError: it did not become so in time.
        """
        if predicate():
            return
        watcher = (predicate, self._loop.create_future())
        self._watchers.append(watcher)
        try:
            async with asyncio.timeout(timeout):
                await watcher[1]
        finally:
            self._watchers.remove(watcher)

    def happened(self) -> None:
        """Something may be so now that was not: those who wait have a look at the end of this turn."""
        if self._watchers and not self._check_scheduled:
            self._check_scheduled = True
            self._loop.call_soon(self._check)

    def tell(self, kind: str, text: str, server: int | None = None, bind: str = "") -> None:
        """Something happened."""
        if self._on_event is not None:
            self._emit(SimulatorEvent(kind, text, server, bind))
        self.happened()

    def submitted(self, entry: LogEntry) -> None:
        """A message came."""
        self._log.append(entry)
        if self._file is not None:
            self._file.write(
                {
                    "event": "submit",
                    "at": entry.at,
                    "server": entry.server,
                    "bind": entry.bind,
                    "system_id": entry.system_id,
                    "command": entry.command,
                    "sequence_number": entry.sequence_number,
                    "message_id": entry.message_id,
                    "command_status": entry.command_status,
                    "octets": entry.octets.hex(),
                }
            )
        if self._on_event is not None:
            self._emit(SimulatorEvent("submit", _submit_line(entry), entry.server, entry.bind))
        self.happened()

    def refused(self, delivery: Delivery) -> None:
        """A receipt or message was answered with an error."""
        if self._on_event is not None:
            self._emit(SimulatorEvent(delivery.kind, _delivery_line(delivery), delivery.server, delivery.bind))
        self.happened()

    def delivered(self, delivery: Delivery) -> None:
        """A receipt or message was acknowledged, or given up."""
        if self._file is not None:
            self._file.write(
                {
                    "event": delivery.kind,
                    "at": self._loop.time(),
                    "server": delivery.server,
                    "bind": delivery.bind,
                    "system_id": delivery.system_id,
                    "message_id": delivery.message_id,
                    "state": delivery.state.name if delivery.state is not None else None,
                    "attempts": delivery.attempts,
                    "command_status": delivery.status,
                }
            )
        if self._on_event is not None:
            self._emit(SimulatorEvent(delivery.kind, _delivery_line(delivery), delivery.server, delivery.bind))
        self.happened()

    def _emit(self, event: SimulatorEvent) -> None:
        assert self._on_event is not None  # noqa: S101 - the caller looked
        try:
            self._on_event(event)
        except Exception:
            log.exception("on_event failed", kind=event.kind)

    def _check(self) -> None:
        self._check_scheduled = False
        for predicate, future in self._watchers:
            if not future.done() and predicate():
                future.set_result(None)


def _submit_line(entry: LogEntry) -> str:
    message = entry.message
    if isinstance(message, SubmitMulti):
        destination = f"{len(message.dest_addresses)} destinations"
    else:
        destination = message.destination_addr
    what = f"{entry.command} {entry.system_id}: {message.source_addr} to {destination}"
    if entry.message_id:
        return f"{what}: id {entry.message_id}"
    return f"{what}: {status_name(entry.command_status or 0)}"


def _delivery_line(delivery: Delivery) -> str:
    about = f"{delivery.message_id} {delivery.state.name} " if delivery.state is not None else ""
    end = "no answer" if delivery.status is None else status_name(delivery.status)
    return f"{about}to {delivery.system_id or 'anybody'}: {end}, attempt {delivery.attempts}"
