"""Finds the part that a receipt is about. Pure; time comes in.

One `Correlator` belongs to one SMSC group and is shared by every bind and server of it: a receipt comes over any of
them. Two groups have two correlators, and equal ids of theirs never meet.

    submit_sm_resp ──► submitted() ─► outstanding ◄─ receipt() ◄── deliver_sm
                            ▲             │  no part fits: the response may still be on its way
                            └── parked ◄──┘

Ids recycle: among the parts with the id and an address that agrees, the newest without a final receipt wins, then the
newest. After its final receipt a part stays a while, since receipts are repeated and come out of order. Nothing
disappears silently: what is given up is counted and handed back by `expire`.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import inf
from typing import Final, Generic, TypeVar

from smpp.correlator.auto import AutoRule, Keys
from smpp.correlator.ids import IdRule, Side, addresses_agree, receipt_keys, response_key
from smpp.correlator.parking import Parked, ParkingLot
from smpp.correlator.results import Counters, DropReason, Match, Report, Unanswered, Unmatched
from smpp.correlator.store import MemoryStore, Outstanding, OutstandingStore

T = TypeVar("T")
R = TypeVar("R")

MAX_SAME_ID: Final = 256
"""How many parts may share one id; looking through them is what a receipt costs."""

MAX_REPORTS: Final = 10_000
"""How many evicted items wait for `expire`; more are only counted."""

EXPIRED_AT_ONCE: Final = 10_000
RECONSIDERED_AT_ONCE: Final = 1_000
"""How much one call of `expire` does; `next_timer` says whether there is more."""


class Correlator(Generic[T, R]):
    """Matches the receipts of an SMSC group to its parts.

    Nothing is registered before the SMSC accepted a part, so there is nothing to undo when it is throttled, refused or
    in doubt.

    Args:
        group: its name, for people.
        id_rule: how ids compare.
        check_addresses: whether the addresses of receipt and part have to agree where both have one. Off only for SMSCs
            whose receipts carry masked or foreign addresses; `AUTO` needs it.
        store: where parts wait; in memory where it is left out, and only then do the two lifetimes apply.
        lifetime_seconds: how long a part waits for its final receipt.
        final_lifetime_seconds: how long it is kept after that.
        max_outstanding: how many parts are kept. Beyond, settled ones go first, then the oldest.
        parked_seconds: how long a receipt waits for its response.
        max_parked: how many receipts do. Beyond, the oldest go.

    Attributes:
        counters: what happened so far.
    """

    def __init__(
        self,
        *,
        group: str = "",
        id_rule: IdRule | str = IdRule.AS_IS,
        check_addresses: bool = True,
        store: OutstandingStore[T] | None = None,
        lifetime_seconds: float = 172_800.0,
        final_lifetime_seconds: float = 3_600.0,
        max_outstanding: int = 1_000_000,
        parked_seconds: float = 300.0,
        max_parked: int = 100_000,
    ) -> None:
        if max_outstanding < 1 or max_parked < 1:
            raise ValueError("a correlator holds at least one part and one parked receipt")
        if not (lifetime_seconds > 0 and final_lifetime_seconds >= 0 and parked_seconds > 0):
            raise ValueError("lifetimes are more than 0 seconds")
        self.group = group
        self.counters = Counters()
        self._rule = IdRule(id_rule)
        self._is_plain = self._rule is IdRule.AS_IS
        self._auto = AutoRule() if self._rule is IdRule.AUTO else None
        if self._auto is not None and not check_addresses:
            raise ValueError("the rule for message ids cannot be found out (auto) without checking addresses")
        self._check_addresses = check_addresses
        self._store: OutstandingStore[T] = (
            store if store is not None else MemoryStore(lifetime_seconds, final_lifetime_seconds)
        )
        self._max_outstanding = max_outstanding
        self._surely_free = 0
        """Places that are free even if nothing left since they were counted last: counting costs as much as keeping."""
        self._parked: ParkingLot[R] = ParkingLot(parked_seconds, max_parked)
        self._reconsider: list[Parked[R]] = []
        self._reports: list[Report[T, R]] = []

    # What comes in

    def submitted(self, message_id: str, destination: str, context: T, now: float) -> list[Match[T, R]]:
        """The SMSC accepted a part.

        Args:
            message_id: of the response, as it stands there.
            destination: of the part; empty where it had several.
            context: comes back with every receipt.
            now: time of the response.

        Returns:
            The receipts that were here before it, in the order they came.
        """
        key = message_id.strip() if self._is_plain else response_key(self._rule, message_id)
        if not key:
            self.counters.without_id += 1
            self._report(Unanswered(context, message_id, destination, now, DropReason.NO_ID))
            return []
        self.counters.submitted += 1
        if self._auto is not None and self._auto.observe(message_id, Side.RESPONSE):
            self._look_again()
        store = self._store
        outstanding = Outstanding(key, message_id, destination, context, now)
        if store.add(outstanding) > MAX_SAME_ID:
            self._evict(_all_of(store.find(key))[0])
        self._surely_free -= 1
        if self._surely_free < 0:
            self._bound()
        waiting = self._parked.by_key.get(key)
        if waiting is None:
            return []
        return [
            self._take_parked(parked, outstanding, now) for parked in list(waiting) if self._fits(parked, outstanding)
        ]

    def receipt(
        self,
        message_id: str,
        address: str,
        receipt: R,
        now: float,
        is_final: bool = True,
        other_address: str = "",
        park: bool = True,
    ) -> Match[T, R] | None:
        """A receipt came, over any bind.

        Args:
            message_id: as the receipt has it.
            address: the recipient's: source_addr of the deliver_sm.
            receipt: comes back with the match.
            now: when it came.
            is_final: whether no other is expected after it.
            other_address: the deliver_sm's destination_addr, for SMSCs that do not swap the two.
            park: whether to keep it where no part fits. See `has_room`: a receipt that is kept without room costs the
                oldest one.

        Returns:
            None where no part fits. It is kept for a while, and comes back from `submitted` or `expire`.
        """
        self.counters.receipts += 1
        addresses = (address, other_address)
        if self._is_plain:
            found = self._pick(message_id.strip(), addresses)
        else:
            if self._auto is not None and self._auto.observe(message_id, Side.RECEIPT):
                self._look_again()
            found = self._find_learned(message_id, addresses)
            if found is None:
                found = self._find(receipt_keys(self._rule, message_id), addresses)
        if found is not None:
            return self._matched(found, receipt, now, is_final, False)
        if park:
            keys = receipt_keys(self._rule, message_id)
            self._park(Parked(keys, message_id, addresses, receipt, is_final, now))
        else:
            self.counters.turned_away += 1
        return None

    def knows(self, message_id: str, address: str, other_address: str = "") -> bool:
        """Whether a receipt with this id and these addresses would find its part now; arguments as `receipt`."""
        addresses = (address, other_address)
        found = self._find_learned(message_id, addresses) or self._find(receipt_keys(self._rule, message_id), addresses)
        return found is not None

    def expire(self, now: float) -> list[Report[T, R]]:
        """Give up what is overdue.

        Returns:
            What was given up since the last call, and receipts whose part was found on second thought. After a flood
            not all of it at once: call again while `next_timer` is not later than now.
        """
        for _ in range(EXPIRED_AT_ONCE):
            overdue = self._store.overdue(now)
            if overdue is None:
                break
            self._store.remove(overdue)
            if not overdue.is_settled:
                self.counters.unanswered += 1
                self._report(_unanswered(overdue, DropReason.OVERDUE), is_bounded=False)
        for again in islice(_drain(self._reconsider), RECONSIDERED_AT_ONCE):
            found = self._find(again.keys, again.addresses) if again.still else None
            if found is not None:
                self._report(self._take_parked(again, found, now), is_bounded=False)
        for _ in range(EXPIRED_AT_ONCE):
            parked = self._parked.overdue(now)
            if parked is None:
                break
            self._give_up(parked, now, DropReason.OVERDUE)
        reports, self._reports = self._reports, []
        return reports

    def clear(self) -> list[Report[T, R]]:
        """Forget everything.

        Returns:
            What was still waiting, and what `expire` would have returned.
        """
        while (oldest := self._store.oldest()) is not None:
            self._store.remove(oldest)
            if not oldest.is_settled:
                self._report(_unanswered(oldest, DropReason.CLOSED), is_bounded=False)
        while (parked := self._parked.oldest) is not None:
            self._parked.remove(parked)
            self._report(_unmatched(parked, DropReason.CLOSED), is_bounded=False)
        self._reconsider.clear()
        reports, self._reports = self._reports, []
        return reports

    # What can be asked

    def next_timer(self) -> float:
        """When to call `expire`: minus infinity for at once, infinity for not at all."""
        if self._reports or self._reconsider:
            return -inf
        return min(self._store.next_deadline(), self._parked.next_deadline())

    @property
    def outstanding(self) -> int:
        """How many parts are kept, those with a final receipt included."""
        return len(self._store)

    @property
    def parked(self) -> int:
        """How many receipts wait for their response."""
        return len(self._parked)

    @property
    def has_room(self) -> bool:
        """Whether one more receipt can wait for its response without another being given up for it."""
        return self._parked.has_room

    @property
    def learned_rule(self) -> IdRule | None:
        """The rule for ids: the one that was given, or what `AUTO` found out so far."""
        return self._auto.learned if self._auto is not None else self._rule

    # Finding

    def _find(self, keys: Keys, addresses: tuple[str, str]) -> Outstanding[T] | None:
        """The part a receipt is about, by the keys worth a look at once."""
        if self._auto is None:
            return self._pick(keys[0][1], addresses) if keys else None
        for rule, key in self._auto.candidates(keys):
            found = self._pick(key, addresses)
            if found is not None:
                self._learn(rule, keys, addresses)
                return found
        return None

    def _find_learned(self, message_id: str, addresses: tuple[str, str]) -> Outstanding[T] | None:
        """What `_find` finds where `AUTO` has learned a rule, without looking at the other ones."""
        key = self._auto.learned_key(message_id) if self._auto is not None else ""
        return self._pick(key, addresses) if key else None

    def _pick(self, key: str, addresses: tuple[str, str]) -> Outstanding[T] | None:
        """The newest unsettled part under a key whose address agrees, else the newest settled one."""
        found = self._store.find(key)
        if found is None:
            return None
        # Nearly always there is one, and nearly always it is this: no more steps than it takes.
        if found.__class__ is Outstanding and found.destination == addresses[0] != "" and found.settled_at is None:
            return found
        known = _all_of(found)
        fallback = None
        for outstanding in reversed(known):
            if self._agrees(outstanding.destination, addresses):
                if outstanding.settled_at is None:
                    return outstanding
                fallback = fallback or outstanding
        if fallback is not None or self._auto is not None:
            return fallback
        # Without an address on one of the sides only an id that no other part shares will do.
        waiting = [one for one in known if not one.is_settled] or known
        if len(waiting) == 1 and not (addresses[0] and waiting[0].destination):
            return waiting[0]
        return None

    def _agrees(self, destination: str, addresses: tuple[str, str]) -> bool:
        if not self._check_addresses:
            return True
        address, other_address = addresses
        if destination == address:
            return bool(address)
        return addresses_agree(destination, address) or bool(
            other_address and addresses_agree(destination, other_address)
        )

    def _fits(self, parked: Parked[R], outstanding: Outstanding[T]) -> bool:
        """Whether a parked receipt found its part in this one, which has just been added."""
        if self._pick(outstanding.key, parked.addresses) is not outstanding:
            return False
        if self._auto is None:
            return True
        for rule, key in self._auto.candidates(parked.keys):
            if key == outstanding.key:
                self._learn(rule, parked.keys, parked.addresses)
                return True
        return False

    def _matched(
        self, outstanding: Outstanding[T], receipt: R, now: float, is_final: bool, was_parked: bool
    ) -> Match[T, R]:
        is_late = outstanding.settled_at is not None
        self.counters.matched += 1
        if is_late:
            self.counters.matched_late += 1
        elif is_final:
            self._store.settle(outstanding, now)
        if was_parked:
            self.counters.matched_parked += 1
        return Match(
            outstanding.context,
            receipt,
            outstanding.message_id,
            outstanding.destination,
            outstanding.submitted_at,
            is_final,
            is_late,
            was_parked,
        )

    # Learning

    def _learn(self, rule: IdRule, keys: Keys, addresses: tuple[str, str]) -> None:
        """Count a pair, unless the rule is known, or another rule would have found a part as well."""
        auto = self._auto
        if auto is None or auto.learned is rule:
            return
        if len(keys) == 1:
            return  # The same in every base, or no number at all: it says nothing.
        if sum(self._pick(key, addresses) is not None for _, key in keys) == 1 and auto.vote(rule):
            self._look_again()

    def _look_again(self) -> None:
        """More is known about the ids: what is parked may find its part now."""
        self._reconsider = list(self._parked)
        self._reconsider.reverse()

    # Parking

    def _park(self, parked: Parked[R]) -> None:
        if not self._parked.has_room and self._parked.oldest is not None:
            self._give_up(self._parked.oldest, parked.since, DropReason.EVICTED)
        self.counters.parked += 1
        self._parked.add(parked)

    def _take_parked(self, parked: Parked[R], outstanding: Outstanding[T], now: float) -> Match[T, R]:
        self._parked.remove(parked)
        return self._matched(outstanding, parked.receipt, now, parked.is_final, True)

    def _give_up(self, parked: Parked[R], now: float, reason: DropReason) -> None:
        """A parked receipt has to go: with a part that fits by any rule by now, else as unmatched."""
        is_bounded = reason is DropReason.EVICTED
        addresses = parked.addresses
        keys = self._auto.second_thoughts(parked.keys) if self._auto is not None else parked.keys
        for rule, key in keys:
            found = self._pick(key, addresses)
            if found is not None:
                self._learn(rule, parked.keys, addresses)
                self._report(self._take_parked(parked, found, now), is_bounded=is_bounded)
                return
        self._parked.remove(parked)
        if reason is DropReason.EVICTED:
            self.counters.evicted_receipts += 1
        else:
            self.counters.unmatched += 1
        self._report(_unmatched(parked, reason), is_bounded=is_bounded)

    # Bounds

    def _bound(self) -> None:
        """Count what is free, and let the oldest part go where that is less than nothing."""
        self._surely_free = self._max_outstanding - len(self._store)
        oldest = self._store.oldest() if self._surely_free < 0 else None
        if oldest is not None:
            self._evict(oldest)
            self._surely_free += 1

    def _evict(self, outstanding: Outstanding[T]) -> None:
        self._store.remove(outstanding)
        if not outstanding.is_settled:
            self.counters.evicted_parts += 1
            self._report(_unanswered(outstanding, DropReason.EVICTED))

    def _report(self, report: Report[T, R], *, is_bounded: bool = True) -> None:
        if is_bounded and len(self._reports) >= MAX_REPORTS:
            self.counters.unreported += 1
        else:
            self._reports.append(report)

    def __repr__(self) -> str:
        rule = self._rule if self.learned_rule in (None, self._rule) else f"{self._rule}: {self.learned_rule}"
        return f"<Correlator {self.group or '-'} {rule}, {self.outstanding} outstanding, {self.parked} parked>"


def _unanswered(outstanding: Outstanding[T], reason: DropReason) -> Unanswered[T]:
    return Unanswered(
        outstanding.context, outstanding.message_id, outstanding.destination, outstanding.submitted_at, reason
    )


def _unmatched(parked: Parked[R], reason: DropReason) -> Unmatched[R]:
    return Unmatched(parked.receipt, parked.message_id, parked.address, parked.since, reason)


def _drain(items: list[Parked[R]]) -> Iterator[Parked[R]]:
    while items:
        yield items.pop()


def _all_of(found: Outstanding[T] | Sequence[Outstanding[T]] | None) -> Sequence[Outstanding[T]]:
    """What a store found, however many."""
    if found is None:
        return ()
    return (found,) if isinstance(found, Outstanding) else found
