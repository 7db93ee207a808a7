"""Two sessions joined in memory, with a clock that a test sets."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from smpp.constants import BindMode, Role
from smpp.session import (
    Closed,
    Event,
    Notice,
    NoticeKind,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    SessionState,
)
from smpp.wire import FrameReader, Pdu, decode, encode
from smpp.wire.pdu import DeliverSm, SubmitSm, SubmitSmResp

E = TypeVar("E", bound=Event)

SUBMIT = SubmitSm(source_addr="4711", destination_addr="447700900123", short_message=b"hello")
DELIVER = DeliverSm(source_addr="447700900123", destination_addr="4711", short_message=b"hello")

MODE_OF_STATE = {
    SessionState.BOUND_TX: BindMode.TRANSMITTER,
    SessionState.BOUND_RX: BindMode.RECEIVER,
    SessionState.BOUND_TRX: BindMode.TRANSCEIVER,
}


def split_pdus(octets: bytes, *, garbage: bool = False) -> list[bytes]:
    """The PDUs of a stream, each for itself; behind them there may be garbage."""
    reader = FrameReader(1 << 32)
    reader.feed(octets)
    pdus = []
    while (frame := reader.next()) is not None:
        pdus.append(octets[frame[3] - 16 : frame[4]])
    assert garbage or not reader.pending
    return pdus


def read_pdus(octets: bytes) -> list[Pdu]:
    """The decoded PDUs of a stream."""
    return [decode(pdu) for pdu in split_pdus(octets)]


@dataclass
class Side:
    """A session, what happened to it, and what it wants to send."""

    session: Session
    clock: "Clock"
    events: list[Event] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.clock.now

    def of(self, kind: type[E]) -> list[E]:
        """Everything of a kind that happened so far."""
        self.collect()
        return [event for event in self.events if isinstance(event, kind)]

    def collect(self) -> list[Event]:
        new = self.session.take_events()
        self.events += new
        return new

    def ends(self) -> list[tuple[Any, Any]]:
        """How requests ended: (context, status) or (context, error type)."""
        self.collect()
        return [
            (event.context, event.command_status)
            if isinstance(event, ResponseReceived)
            else (event.context, type(event.error))
            for event in self.events
            if isinstance(event, ResponseReceived | RequestFailed)
        ]

    def notices(self) -> list[NoticeKind]:
        return [event.kind for event in self.of(Notice)]

    def closed(self) -> Closed | None:
        """The end, if it has come."""
        found = self.of(Closed)
        assert len(found) <= 1
        return found[0] if found else None

    def wants_reading(self) -> bool:
        """What the session says; a call, because a checker holds a property to be what it was a line above."""
        return self.session.wants_reading

    def feed(self, *pdus: Any) -> None:
        """Take PDUs: octets, or what `encode` takes."""
        octets = b"".join(pdu if isinstance(pdu, bytes) else encode(*pdu) for pdu in pdus)
        self.session.receive_data(octets, self.now)

    def sent(self) -> list[Pdu]:
        """What it wants to send now, decoded."""
        return read_pdus(self.session.data_to_send())

    def tick(self) -> None:
        """Do everything that is due now."""
        for _ in range(50):
            if self.session.next_timer() > self.now:
                return
            self.session.handle_timer(self.now)
        raise AssertionError("the timer does not come to rest")

    def submit(self, context: object = None) -> int:
        return self.session.send_request(SUBMIT, self.now, context)


@dataclass
class Clock:
    now: float = 1000.0


class Pair:
    """An ESME and an SMSC; `talk` carries everything between them until both are silent."""

    def __init__(self, esme: SessionConfig | None = None, smsc: SessionConfig | None = None) -> None:
        self.clock = Clock()
        self.esme = Side(Session(esme or SessionConfig(), self.clock.now), self.clock)
        smsc = (smsc or SessionConfig()).for_role(Role.SMSC)
        self.smsc = Side(Session(smsc, self.clock.now), self.clock)

    def talk(self) -> None:
        while True:
            to_smsc, to_esme = self.esme.session.data_to_send(), self.smsc.session.data_to_send()
            if not to_smsc and not to_esme:
                return
            if to_smsc:
                self.smsc.session.receive_data(to_smsc, self.clock.now)
            if to_esme:
                self.esme.session.receive_data(to_esme, self.clock.now)

    def bind(self, mode: BindMode = BindMode.TRANSCEIVER) -> "Pair":
        self.esme.session.bind(mode, now=self.clock.now, system_id="demo", password="secret", context="bind")
        self.talk()
        self.smsc.session.accept_bind("SMSC", self.clock.now)
        self.talk()
        return self

    def wait(self, seconds: float) -> None:
        """Let time pass, timers firing and octets flowing when they are due."""
        end = self.clock.now + seconds
        while True:
            self.talk()
            due = min(self.esme.session.next_timer(), self.smsc.session.next_timer())
            if due > end:
                break
            self.clock.now = max(self.clock.now, due)
            self.esme.tick()
            self.smsc.tick()
        self.clock.now = end
        self.talk()


def alone(role: Role = Role.SMSC, state: SessionState = SessionState.BOUND_TRX, **settings: Any) -> Side:
    """One session in a state, whose peer the test plays with octets."""
    settings.setdefault("enquire_link_seconds", 0.0)
    config = SessionConfig(role=role, **settings)
    pair = Pair(config, config) if role is Role.ESME else Pair(SessionConfig(), config)
    if state is not SessionState.OPEN:
        pair.bind(MODE_OF_STATE[state])
    side = pair.esme if role is Role.ESME else pair.smsc
    side.collect()
    side.events.clear()
    return side


def at(side: Side, command_id: int) -> list[tuple[int, int]]:
    """(sequence_number, status) of the PDUs of a kind that it sends now."""
    return [(pdu.sequence_number, pdu.command_status) for pdu in side.sent() if pdu.message.command_id == command_id]


def answer_all(side: Side) -> int:
    """As an SMSC that keeps everything."""
    requests = [event for event in side.collect() if isinstance(event, RequestReceived)]
    for event in requests:
        side.session.send_response(SubmitSmResp(f"id{event.sequence_number}"), event.sequence_number)
    return len(requests)
