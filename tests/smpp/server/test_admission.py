"""Who may come in: counts, and locks after guessed passwords."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from smpp.constants import BindMode
from smpp.server.admission import Admission, Limits, Refusal, Visit

TX, RX, TRX = BindMode.TRANSMITTER, BindMode.RECEIVER, BindMode.TRANSCEIVER


def entered(admission: Admission, address: str = "a") -> Visit:
    visit = admission.enter(address)
    assert isinstance(visit, Visit)
    return visit


def test_connections_are_limited_bound_or_not() -> None:
    admission = Admission(Limits(connections=2))
    first = entered(admission)
    admission.bind(first, "demo", TRX)
    entered(admission)
    assert admission.enter("b") is Refusal.TOO_MANY
    admission.leave(first)
    entered(admission)


def test_unbound_connections_are_limited_and_a_bind_makes_room() -> None:
    admission = Admission(Limits(unbound=1))
    first = entered(admission)
    assert admission.enter("b") is Refusal.TOO_MANY_UNBOUND
    admission.bind(first, "demo", TRX)
    entered(admission, "b")


def test_unbound_connections_of_one_address_are_limited() -> None:
    admission = Admission(Limits(unbound_per_address=1))
    first = entered(admission)
    assert admission.enter("a") is Refusal.TOO_MANY_FROM_ADDRESS
    entered(admission, "b")
    admission.leave(first)
    entered(admission)


def test_binds_are_counted_by_account_and_mode() -> None:
    admission = Admission(Limits())
    visits = [entered(admission) for _ in range(3)]
    for visit, mode in zip(visits, (TX, TX, RX), strict=True):
        admission.bind(visit, "demo", mode)
    assert (admission.binds("demo"), admission.binds("demo", TX), admission.binds("demo", TRX)) == (3, 2, 0)
    assert admission.binds("other") == 0
    admission.leave(visits[0])
    assert (admission.binds("demo"), admission.binds("demo", TX)) == (2, 1)


def test_account_without_a_name_counts_too() -> None:
    admission = Admission(Limits())
    visit = entered(admission)
    admission.bind(visit, "", TRX)
    assert admission.binds("") == 1
    admission.leave(visit)
    assert admission.binds("") == 0


def test_leaving_and_binding_twice_counts_once() -> None:
    admission = Admission(Limits(unbound=5))
    visit = entered(admission)
    admission.bind(visit, "demo", TX)
    admission.bind(visit, "demo", RX)
    assert admission.binds("demo") == 1
    admission.leave(visit)
    admission.leave(visit)
    admission.bind(visit, "demo", TX)
    assert (admission.connections, admission.binds("demo")) == (0, 0)
    assert repr(admission) == "<Admission 0 connections, 0 not bound>"


def test_wrong_credentials_in_a_row_lock_address_and_system_id_out_for_a_while() -> None:
    admission = Admission(Limits(failures=3, lock_seconds=60))
    for now in (0, 1, 2):
        assert not admission.is_locked("a", "demo", now)
        admission.failed("a", "demo", now)
    assert admission.is_locked("a", "demo", 61.9)
    assert not admission.is_locked("a", "other", 10)
    assert not admission.is_locked("b", "demo", 10)
    assert not admission.is_locked("a", "demo", 62)


def test_tries_while_locked_out_do_not_make_it_longer() -> None:
    admission = Admission(Limits(failures=1, lock_seconds=60))
    admission.failed("a", "demo", 0)
    for now in range(1, 60):
        admission.failed("a", "demo", now)
    assert not admission.is_locked("a", "demo", 60)


def test_after_a_lock_counting_begins_anew() -> None:
    admission = Admission(Limits(failures=2, lock_seconds=60))
    admission.failed("a", "demo", 0)
    admission.failed("a", "demo", 0)
    admission.failed("a", "demo", 100)
    assert not admission.is_locked("a", "demo", 100)
    admission.failed("a", "demo", 101)
    assert admission.is_locked("a", "demo", 101)


def test_right_credentials_end_the_row() -> None:
    admission = Admission(Limits(failures=2, lock_seconds=60))
    admission.failed("a", "demo", 0)
    admission.succeeded("a", "demo")
    admission.failed("a", "demo", 1)
    assert not admission.is_locked("a", "demo", 1)


def test_without_a_limit_nothing_is_locked_or_kept() -> None:
    admission = Admission(Limits())
    admission.failed("a", "demo", 0)
    assert not admission.is_locked("a", "demo", 0)
    assert not admission._failures


def test_memory_of_failures_is_bounded() -> None:
    admission = Admission(Limits(failures=1, lock_seconds=1e9))
    for number in range(10_100):
        admission.failed(str(number), "demo", 0)
    assert len(admission._failures) == 10_000
    assert admission.is_locked("10099", "demo", 1)


class Counting(RuleBasedStateMachine):
    """Whatever the order, what is counted is who is here."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission(Limits(connections=6, unbound=4, unbound_per_address=2))
        self.here: list[Visit] = []
        self.all: list[Visit] = []

    @rule(address=st.sampled_from("abc"))
    def enter(self, address: str) -> None:
        visit = self.admission.enter(address)
        unbound = [one for one in self.here if not one.is_bound]
        if isinstance(visit, Visit):
            self.here.append(visit)
            self.all.append(visit)
        else:
            assert len(self.here) == 6 or len(unbound) == 4 or [one.address for one in unbound].count(address) == 2

    @rule(data=st.data(), account=st.sampled_from(["x", "y", ""]), mode=st.sampled_from(BindMode))
    def bind(self, data: st.DataObject, account: str, mode: BindMode) -> None:
        if self.all:
            self.admission.bind(data.draw(st.sampled_from(self.all)), account, mode)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        if self.all:
            visit = data.draw(st.sampled_from(self.all))
            self.admission.leave(visit)
            self.here = [one for one in self.here if one is not visit]

    @invariant()
    def counts_are_right(self) -> None:
        assert self.admission.connections == len(self.here)
        assert self.admission._unbound == sum(not one.is_bound for one in self.here)
        for account in ("x", "y", ""):
            assert self.admission.binds(account) == sum(one.is_bound and one.account == account for one in self.here)
        assert set(self.admission._unbound_by_address) == {one.address for one in self.here if not one.is_bound}


TestCounting = Counting.TestCase
