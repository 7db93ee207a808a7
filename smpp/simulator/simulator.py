"""The simulated SMSC: one group with any number of servers, one book of messages, one set of rules.

async with Simulator(["smpp://127.0.0.1:0", "smpp://127.0.0.1:0"]) as simulator:
    ...
    await simulator.wait_until(lambda: len(simulator.log) == 3)
    assert simulator.log[0].octets.hex() == "..."
"""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self, Unpack
from urllib.parse import quote

import msgspec

from smpp.constants import Role
from smpp.endpoint import Address
from smpp.errors import StateError
from smpp.server import ServerSession
from smpp.session import RequestReceived, SessionConfig
from smpp.simulator.agenda import Agenda
from smpp.simulator.answers import Answerer
from smpp.simulator.book import Book, StoredMessage
from smpp.simulator.chronicle import Chronicle, SimulatorEvent
from smpp.simulator.delivery import Delivery, PostOffice
from smpp.simulator.exchange import Exchange, SubmitHook
from smpp.simulator.operations import Operations
from smpp.simulator.outcome import Director
from smpp.simulator.record import LogEntry
from smpp.simulator.script import Delay, Script
from smpp.simulator.script_file import load_script, to_script
from smpp.simulator.servers import SimulatedServer
from smpp.sms import SplitOptions, split
from smpp.wire.pdu import CancelSm, DataSm, DeliverSm, QuerySm, ReplaceSm, SubmitMulti, SubmitSm
from smpp.wire.tlv import NO_TLVS, Tlvs

_SUBMITS: Final = frozenset({SubmitSm, SubmitMulti, DataSm})


class Simulator:
    """A simulated SMSC; use it as ``async with Simulator(...) as simulator``.

    Args:
        urls: where to listen. Each item is one server; a sequence in the place of an item is one server with several
            listeners. Port 0 takes a free one.
        script: what to do; a `Script`, or the path of a TOML file.
        credentials: system_id and password of those who may bind; None lets everybody in.
        ssl_context: for smpps listeners (`throw_away_tls`, `smpp.endpoint.server_tls`).
        id_format: instead of the script's `ids.format`; so are `id_start` and the four about receipts.
        log_file: append every message and every delivery to this file, as JSON lines; a message stands there before
            its answer leaves.
        log_limit: entries that `log` and `deliveries` keep.
        max_messages: messages that the book keeps.
        max_pending: receipts under way; beyond that messages that ask for one get ESME_RMSGQFUL.
        seed: instead of the script's.
        on_submit: decides on a message before the rules do; None leaves it to them.
        on_event: told of everything that happens.
        session: timers and window of its sessions.
        system_id: how it names itself.
        default_alphabet: what data_coding 0 means here.

    Raises:
        ScriptError: the script makes no sense.
        InvalidUrl: a URL cannot be.
    """

    def __init__(
        self,
        urls: Sequence[str | Sequence[str]] = ("smpp://127.0.0.1:0",),
        *,
        script: Script | str | Path | None = None,
        credentials: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        id_format: str | None = None,
        id_start: int | None = None,
        receipt_route: str | None = None,
        receipt_delay: Delay | None = None,
        receipt_form: str | None = None,
        receipt_states: Mapping[str, float] | None = None,
        log_file: str | Path | None = None,
        log_limit: int = 100_000,
        max_messages: int = 100_000,
        max_pending: int = 1_000_000,
        seed: int | None = None,
        on_submit: SubmitHook | None = None,
        on_event: Callable[[SimulatorEvent], None] | None = None,
        session: SessionConfig | None = None,
        system_id: str = "SIMULATOR",
        default_alphabet: str = "gsm",
    ) -> None:
        if isinstance(script, str | Path):
            script = load_script(script)
        self._script = _overridden(
            script or Script(),
            ids={"format": id_format, "start": id_start},
            receipts={
                "route": receipt_route,
                "delay": receipt_delay,
                "form": receipt_form,
                "states": dict(receipt_states) if receipt_states is not None else None,
            },
        )
        self.credentials = credentials
        self.system_id = system_id
        self.random = Random(self._script.seed if seed is None else seed)
        self.counters: Counter[str] = Counter()
        self.log: deque[LogEntry] = deque(maxlen=log_limit)
        self._on_event = on_event
        self._max_pending = max_pending
        self._max_messages = max_messages
        self._log_path = log_file
        self._on_submit = on_submit
        self._default_alphabet = default_alphabet
        config = session or SessionConfig(role=Role.SMSC, enquire_link_seconds=60.0, window=1000)
        config = replace(config, role=Role.SMSC, keep_octets=True)
        self._servers = tuple(
            SimulatedServer(
                index, (item,) if isinstance(item, str) else tuple(item), self, session=config, ssl_context=ssl_context
            )
            for index, item in enumerate(urls)
        )
        self._reference = 0
        self._is_running = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    # Life

    async def start(self) -> None:
        """Listen on every server.

        Raises:
            OSError: an address cannot be had, or the log file cannot be written.
        """
        self._loop = asyncio.get_running_loop()
        self.agenda = Agenda()
        self._chronicle = Chronicle(self.log, self._log_path, self._on_event)
        self._book = Book(self._max_messages)
        self._post = PostOffice(
            lambda: self._script.receipts,
            self.agenda,
            self.random,
            limit=self._max_pending,
            remember=self.log.maxlen or 0,
            counters=self.counters,
            on_end=self._chronicle.delivered,
            on_refused=self._chronicle.refused,
            on_change=self._chronicle.happened,
        )
        self._exchange = Exchange(
            self._script,
            book=self._book,
            post=self._post,
            agenda=self.agenda,
            answerer=Answerer(self.agenda, self.random, self._freeze_for),
            random=self.random,
            counters=self.counters,
            record=self._chronicle.submitted,
            on_submit=self._on_submit,
            default_alphabet=self._default_alphabet,
        )
        self._operations = Operations(self._book, self._exchange.plan)
        self._is_running = True
        try:
            for server in self._servers:
                await server.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Unbind every ESME, close everything, forget what was to come."""
        if not self._is_running:
            return
        self._is_running = False
        self.agenda.close()
        await asyncio.gather(*(server.stop() for server in self._servers))
        self._post.close()
        self._chronicle.close()

    # Where it is

    @property
    def servers(self) -> tuple[SimulatedServer, ...]:
        """The servers of the group, in the order of their URLs."""
        return self._servers

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of every listener, in the order of the URLs."""
        return tuple(port for server in self._servers for port in server.ports)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URL of every listener, without credentials."""
        return tuple(url for server in self._servers for url in server.urls)

    def url(self, index: int = 0, system_id: str = "", password: str = "") -> str:
        """The URL of a listener, with credentials for a client."""
        scheme, _, rest = self.urls[index].partition("://")
        if not system_id:
            return f"{scheme}://{rest}"
        secret = f":{quote(password, safe='')}" if password else ""
        return f"{scheme}://{quote(system_id, safe='')}{secret}@{rest}"

    # What it does

    @property
    def script(self) -> Script:
        """What it does; another may be set while it runs. Ids go on as they were."""
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        self._script = script
        if self._is_running:
            self._exchange.use(script)

    @property
    def director(self) -> Director:
        """Finds the rules for binds and messages."""
        return self._exchange.director

    # What it saw

    @property
    def messages(self) -> Mapping[str, StoredMessage]:
        """The accepted messages by id."""
        return self._book

    @property
    def deliveries(self) -> "deque[Delivery]":
        """Receipts and messages for ESMEs that are acknowledged or given up, oldest first."""
        return self._post.ended

    @property
    def pending_receipts(self) -> int:
        """Receipts and messages for ESMEs that are planned, held, or not acknowledged."""
        return self._post.pending

    async def wait_until(self, predicate: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until something is so; looked at after everything that happens.

        Raises:
            TimeoutError: it did not become so in time.
        """
        await self._chronicle.wait_until(predicate, timeout)

    async def drained(self, timeout: float = 10.0) -> None:
        """Wait until no receipt is planned, held or unacknowledged.

        Raises:
            TimeoutError: some still are.
        """
        await self.wait_until(lambda: self._post.pending == 0, timeout)

    # What it sends

    def can_reach(self, system_id: str = "") -> bool:
        """Whether a bind of this account ("": of anybody) can receive now."""
        return self._is_running and self._post.can_reach(system_id)

    def deliver(
        self,
        text: str,
        *,
        source: str | Address,
        destination: str | Address,
        system_id: str = "",
        tlvs: Tlvs = NO_TLVS,
        **coding: Unpack[SplitOptions],
    ) -> tuple[Delivery, ...]:
        """Send an ESME a message as if a handset had; a long one in parts.

        Args:
            text: any text.
            source: the handset; TON and NPI are guessed from text.
            destination: the ESME's number.
            system_id: whose bind shall get it; "" any.
            tlvs: for every part.
            coding: further arguments of `smpp.sms.split`.

        Returns:
            One delivery a part; ``await delivery.wait()`` tells the status of its answer.
        """
        sender = source if isinstance(source, Address) else Address.guess(source)
        receiver = destination if isinstance(destination, Address) else Address.guess(destination)
        self._reference = self._reference % 0xFF + 1
        options: SplitOptions = {"default_alphabet": self._default_alphabet}
        options.update(coding)
        return tuple(
            self.send(
                DeliverSm(
                    "",
                    sender.ton,
                    sender.npi,
                    sender.addr,
                    receiver.ton,
                    receiver.npi,
                    receiver.addr,
                    esm_class=segment.esm_class,
                    data_coding=segment.data_coding,
                    short_message=segment.short_message,
                    tlvs=tlvs.with_(*segment.tlvs),
                ),
                system_id=system_id,
            )
            for segment in split(text, reference=self._reference, **options)
        )

    def send(self, message: DeliverSm | DataSm, *, system_id: str = "") -> Delivery:
        """Send an ESME a PDU as it is.

        Raises:
            StateError: the simulator does not run, or as much as it may hold is under way.
        """
        if not self._is_running or self._post.is_full:
            raise StateError("nothing can be sent: " + ("too much is under way" if self._is_running else "not running"))
        delivery = Delivery(self._post, "message", message, system_id)
        self._post.pending += 1
        self._post.post(delivery)
        return delivery

    def freeze(self, seconds: float | None = None) -> None:
        """Neither read nor write on any connection there is; for so many seconds, or until `thaw`."""
        for server in self._servers:
            server.freeze()
        if seconds is not None:
            self.agenda.after(seconds, self.thaw)

    def thaw(self) -> None:
        """Go on where everything was frozen."""
        for server in self._servers:
            server.thaw()

    # What the servers call (smpp.simulator.servers.Host)

    def connected(self, server: SimulatedServer, session: ServerSession) -> None:
        """A connection was made."""
        self.counters["connections"] += 1
        self._chronicle.tell("connected", session.peer_address[0], server.index, session.name)

    def bound(self, server: SimulatedServer, session: ServerSession) -> None:
        """An ESME has bound."""
        self.counters["binds"] += 1
        if session.can_receive:
            self._post.open_bind(session, server.index)
        mode = session.bind_mode.value if session.bind_mode else ""
        self._chronicle.tell("bound", f"{session.system_id} as {mode}", server.index, session.name)

    def refused(self, server: SimulatedServer, session: ServerSession, system_id: str, reason: str) -> None:
        """An ESME was not let in."""
        self.counters["binds_refused"] += 1
        self._chronicle.tell("refused", f"bind of {system_id}: {reason}", server.index, session.name)

    def room(self, session: ServerSession) -> None:
        """There may be room in a window."""
        self._post.go_on(session.system_id)

    def closed(self, server: SimulatedServer, session: ServerSession, reason: str) -> None:
        """A connection is over."""
        self._post.close_bind(session)
        self._chronicle.tell("closed", reason, server.index, session.name)

    def before_write(self) -> None:
        """What an ESME is told stands in the log file first."""
        self._chronicle.flush()

    def request(self, server: SimulatedServer, session: ServerSession, event: RequestReceived) -> bool:
        """An ESME asks for something; False for what an SMSC does not serve."""
        now = self._loop.time()
        message = event.message
        if type(message) in _SUBMITS:
            server.rate.add(now)
            self._exchange.submit(server.index, session, event, now)
            return True
        match message:
            case QuerySm():
                response, status = self._operations.query(message, now)
            case CancelSm():
                response, status = self._operations.cancel(message, now)
            case ReplaceSm():
                response, status = self._operations.replace(message, now)
            case _:
                return False
        self.counters[message.command_name] += 1
        session.connection.respond(response, event.sequence_number, status)
        line = f"{message.command_name} {message.message_id}: status {status}"
        self._chronicle.tell("operation", line, server.index, session.name)
        return True

    # Inside

    def _freeze_for(self, session: ServerSession, seconds: float) -> None:
        for server in self._servers:
            server.freeze(session)
            self.agenda.after(seconds, server.thaw, session)

    def __repr__(self) -> str:
        return f"<Simulator {', '.join(self.urls)}: {self.counters['submitted']} messages>"


def _overridden(script: Script, **sections: dict[str, Any]) -> Script:
    """The script with what is not None in the place of its own."""
    document = msgspec.to_builtins(script)
    for name, changes in sections.items():
        document[name].update({key: value for key, value in changes.items() if value is not None})
    return to_script(document, "Simulator()")
