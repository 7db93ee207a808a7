"""Two sessions joined in memory, driven through every state and input, their streams cut anywhere.

What has to hold whatever happens: every request ends in exactly one event; no message arrives twice, and none arrives
that was called unsent; a request that was answered well did arrive; the window keeps its bound; nothing but SmppErrors
gets out; nothing answers a generic_nack, so the peers always come to rest.
"""

from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smpp.constants import BindMode, InterfaceVersion, Role
from smpp.errors import InDoubt, NotSent, ResponseTimeout, SmppError
from smpp.session import (
    BindRequested,
    Closed,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    Session,
    SessionConfig,
    SessionState,
    StateChanged,
)
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.pdu import (
    AlertNotification,
    CancelSm,
    DataSm,
    DeliverSm,
    EnquireLink,
    GenericNack,
    QuerySm,
    ReplaceSm,
    Request,
    SubmitSm,
    SubmitSmResp,
    Unbind,
)

WINDOW = 3
REQUESTS = (SubmitSm, DeliverSm, DataSm, QuerySm, CancelSm, ReplaceSm, AlertNotification, EnquireLink)

NEXT_STATES = {
    SessionState.OPEN: {SessionState.OUTBOUND, SessionState.UNBOUND, SessionState.CLOSED},
    SessionState.OUTBOUND: {SessionState.UNBOUND, SessionState.CLOSED},
    SessionState.UNBOUND: {SessionState.CLOSED},
    SessionState.CLOSED: set(),
}

sides = st.sampled_from(["esme", "smsc"])

JUNK = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.builds(
        encode,
        st.sampled_from([GenericNack(), SubmitSmResp("x"), EnquireLink(), SubmitSm(), DeliverSm(), Unbind()]),
        st.integers(0, 8) | st.sampled_from([0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]),
        st.sampled_from([0, Status.ESME_RINVCMDID, 0xFFFFFFFF]),
    ),
    # Headers with any id and a body that may be nothing.
    st.builds(
        lambda command_id, body: (16 + len(body)).to_bytes(4, "big") + command_id.to_bytes(4, "big") + bytes(8) + body,
        st.sampled_from([*range(0x0C), 0x15, 0x21, 0x103, 0x111, 0x80000004, 0x80000000, 0x80000015]),
        st.binary(max_size=30),
    ),
)


class End:
    """One session and everything that was asked of it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.asked: set[object] = set()
        self.ended: Counter[object] = Counter()
        self.failed: dict[object, type[Exception]] = {}
        self.answered_well: set[object] = set()
        self.handed_out: set[object] = set()
        self.arrived: Counter[str] = Counter()
        self.to_answer: list[RequestReceived] = []
        self.inbox = b""
        self.closed = 0
        self.asks_for_bind = False
        self.is_tampered_with = False
        """Whether octets that the other end never sent were put into its stream, or numbers used again too soon."""


class Sessions(RuleBasedStateMachine):
    """The two ends, a clock, and a wire that delivers when it likes."""

    @initialize(
        old=st.booleans(),
        inbound=st.sampled_from([1, 2, 50]),
        enquire=st.sampled_from([0.0, 7.0]),
        inactivity=st.sampled_from([0.0, 40.0]),
        mode=st.sampled_from([None, *BindMode, BindMode.TRANSCEIVER]),
        peaceful_steps=st.sampled_from([0, 15, 1000]),
        honest_steps=st.sampled_from([0, 15, 1000]),
    )
    def connect(
        self,
        old: bool,
        inbound: int,
        enquire: float,
        inactivity: float,
        mode: BindMode | None,
        peaceful_steps: int,
        honest_steps: int,
    ) -> None:
        self.steps = 0
        self.peaceful_steps = peaceful_steps
        self.honest_steps = honest_steps
        self.now = 0.0
        self.made = 0
        common: dict[str, Any] = {
            "window": WINDOW,
            "inbound_window": inbound,
            "enquire_link_seconds": enquire,
            "inactivity_seconds": inactivity,
            "response_timeout_seconds": 5.0,
            "session_init_seconds": 30.0,
            "unbind_seconds": 8.0,
        }
        version = InterfaceVersion.V3_3 if old else InterfaceVersion.V3_4
        self.ends = {
            "esme": End(Session(SessionConfig(role=Role.ESME, interface_version=version, **common), self.now)),
            "smsc": End(Session(SessionConfig(role=Role.SMSC, **common), self.now)),
        }
        if mode is not None:
            self.bind(mode)
            self.carry("esme")
            self.decide(True)
            self.carry("smsc")

    # What the owners do

    @rule(mode=st.sampled_from(BindMode))
    def bind(self, mode: BindMode) -> None:
        self.ask("esme", lambda session, context: session.bind(mode, now=self.now, system_id="demo", context=context))

    @rule(accept=st.booleans())
    def decide(self, accept: bool) -> None:
        session = self.ends["smsc"].session
        if accept:
            session.accept_bind("SMSC", self.now)
        else:
            session.reject_bind(Status.ESME_RBINDFAIL, self.now)
        self.ends["smsc"].asks_for_bind = False

    @rule()
    def outbind(self) -> None:
        self.attempt(lambda: self.ends["smsc"].session.outbind("SMSC", "secret", self.now))

    @rule(name=sides, count=st.integers(1, WINDOW + 1), has_tlv=st.booleans())
    def message(self, name: str, count: int, has_tlv: bool) -> None:
        """What each side mostly sends."""
        self.request(name, SubmitSm if name == "esme" else DeliverSm, count, has_tlv)

    @rule(name=sides, kind=st.sampled_from(REQUESTS), count=st.integers(1, WINDOW + 1), has_tlv=st.booleans())
    def request(self, name: str, kind: type[Request], count: int, has_tlv: bool) -> None:
        for _ in range(count):
            tlvs = {"tlvs": Tlvs.of(tlv.user_message_reference(1))} if has_tlv and hasattr(kind, "tlvs") else {}
            mark = {"source_addr": f"{name}{self.made}"} if hasattr(kind, "source_addr") else {}
            message = kind(**tlvs, **mark)
            context = mark.get("source_addr", f"#{self.made}")
            self.made += 1
            self.ask(name, lambda session, key, sent=message: session.send_request(sent, self.now, key), context)

    @rule(name=sides, count=st.integers(1, 5), newest=st.booleans(), status=st.sampled_from([0, 0, 0x58]))
    def answer(self, name: str, count: int, newest: bool, status: int) -> None:
        end = self.ends[name]
        for _ in range(min(count, len(end.to_answer))):
            event = end.to_answer.pop(-1 if newest else 0)
            assert event.message.response_type is not None
            end.session.send_response(event.message.response_type(), event.sequence_number, status)

    @precondition(lambda self: self.steps > self.peaceful_steps)
    @rule(name=sides, how=st.sampled_from(["unbind", "close", "lose link"]))
    def end(self, name: str, how: str) -> None:
        session = self.ends[name].session
        if how == "unbind":
            session.unbind(self.now)
        elif how == "close":
            session.close("enough")
        else:
            session.receive_eof("the link broke")

    @precondition(lambda self: self.steps > self.honest_steps)
    @rule(name=sides, number=st.sampled_from([1, 2, 3, 0x7FFFFFFE, 0x7FFFFFFF]))
    def jump(self, name: str, number: int) -> None:
        """As if so many requests had been made meanwhile: late responses may meet other requests."""
        self.ends[name].session._window.next_number = number
        self.ends[name].is_tampered_with = True

    # What the wire does

    @rule(name=sides)
    def flush(self, name: str) -> None:
        end, other = self.ends[name], self.ends["smsc" if name == "esme" else "esme"]
        octets = end.session.data_to_send()
        if octets:
            other.inbox += octets
            end.handed_out |= end.asked - set(end.ended)

    @rule(name=sides, share=st.floats(0, 1), pieces=st.integers(1, 4))
    def deliver(self, name: str, share: float, pieces: int) -> None:
        end = self.ends[name]
        size = max(1, int(len(end.inbox) * share))
        octets, end.inbox = end.inbox[:size], end.inbox[size:]
        step = max(1, len(octets) // pieces)
        for start in range(0, len(octets), step):
            end.session.receive_data(octets[start : start + step], self.now)

    @rule(name=sides)
    def carry(self, name: str) -> None:
        """Everything that one side has to say, at once."""
        self.flush(name)
        self.deliver("smsc" if name == "esme" else "esme", 1.0, 1)

    @precondition(lambda self: self.steps > self.honest_steps)
    @rule(name=sides, octets=JUNK)
    def tamper(self, name: str, octets: bytes) -> None:
        end = self.ends[name]
        end.inbox += octets
        end.is_tampered_with = True

    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0, 5.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for end in self.ends.values():
            rounds = 0
            while end.session.next_timer() <= self.now:
                end.session.handle_timer(self.now)
                rounds += 1
                assert rounds < 50, "the timer does not come to rest"

    # Helpers

    def ask(self, name: str, action: Any, context: object = None) -> None:
        end = self.ends[name]
        key = context if context is not None else f"#{self.made}"
        self.made += 1
        before = end.session.in_flight
        self.attempt(lambda: action(end.session, key))
        if end.session.in_flight > before:
            end.asked.add(key)

    def attempt(self, action: Any) -> None:
        with suppress(SmppError):  # the state does not allow it; nothing else may be raised
            action()

    def look(self, end: End) -> None:
        for event in end.session.take_events():
            match event:
                case ResponseReceived(context, _, status, _):
                    end.ended[context] += 1
                    if not status:
                        end.answered_well.add(context)
                case RequestFailed(context, error):
                    end.ended[context] += 1
                    end.failed[context] = type(error)
                    if not isinstance(error, ResponseTimeout):
                        assert isinstance(error, InDoubt if context in end.handed_out else NotSent)
                case RequestReceived(message):
                    end.arrived[getattr(message, "source_addr", "")] += 1
                    if message.response_type is not None:
                        end.to_answer.append(event)
                case BindRequested():
                    end.asks_for_bind = True
                case StateChanged(old, new):
                    assert old is not SessionState.CLOSED
                    allowed = NEXT_STATES.get(old, {SessionState.UNBOUND, SessionState.CLOSED})
                    assert new in allowed or (new.is_bound and not old.is_bound)
                case Closed():
                    end.closed += 1
                case _:
                    pass

    # What has to hold

    @invariant()
    def every_request_ends_at_most_once(self) -> None:
        self.steps += 1
        for end in self.ends.values():
            self.look(end)
            assert all(count == 1 for count in end.ended.values())
            assert set(end.ended) <= end.asked
            assert end.closed == end.session.is_closed
            if end.session.is_closed:
                assert set(end.ended) == end.asked

    @invariant()
    def window_keeps_its_bound(self) -> None:
        for end in self.ends.values():
            session = end.session
            messages = sum(
                command_id < 0x15 or command_id > 0x15 for command_id, _, _ in session._window.pending.values()
            )
            assert messages <= WINDOW + 2  # a bind and an unbind stand outside of it
            assert 0 <= session.free_window <= WINDOW
            assert session.answering >= 0
            assert session._answering_octets >= 0

    @invariant()
    def messages_arrive_at_most_once_and_only_if_they_were_sent(self) -> None:
        for name, other in (("esme", "smsc"), ("smsc", "esme")):
            sender, receiver = self.ends[name], self.ends[other]
            for mark, count in receiver.arrived.items():
                if mark.startswith(name):
                    assert count == 1
                    assert sender.failed.get(mark) is not NotSent
            if not sender.is_tampered_with and not receiver.is_tampered_with:
                marked = {context for context in sender.answered_well if str(context).startswith(name)}
                assert marked <= set(receiver.arrived)

    @precondition(lambda self: not any(end.is_tampered_with for end in self.ends.values()))
    @invariant()
    def good_peers_never_lose_framing(self) -> None:
        for end in self.ends.values():
            assert not end.session.closed_because.startswith("framing")

    def teardown(self) -> None:
        """Let everything arrive: the two must come to rest, and nothing may be left without its end."""
        if not hasattr(self, "ends"):
            return
        self.every_request_ends_at_most_once()
        for _ in range(200):
            self.flush("esme")
            self.flush("smsc")
            waiting = [end for end in self.ends.values() if end.inbox]
            if not waiting:
                break
            for end in waiting:
                octets, end.inbox = end.inbox, b""
                end.session.receive_data(octets, self.now)
                self.look(end)
        else:
            raise AssertionError("they never come to rest")
        self.messages_arrive_at_most_once_and_only_if_they_were_sent()
        for end in self.ends.values():
            end.session.receive_eof()
            self.look(end)
            assert set(end.ended) == end.asked
            assert end.session.in_flight == 0
            assert end.session.next_timer() == float("inf")


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
