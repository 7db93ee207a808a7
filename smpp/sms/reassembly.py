"""Long messages in: parts become whole messages again, whatever order, duplicates and gaps they come with.

Parts belong together when account, source, destination, reference, its width and the number of parts agree. References
repeat after 256 messages, so a set of parts lives for a limited time, and a part that contradicts one already there
starts a new set. Memory is bounded by messages, messages of one account, and octets. Nothing is dropped silently: sets
that are given up, for whatever reason, are handed back by `Reassembler.take_lost`.

Time comes in as seconds of any clock that does not run backwards.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from smpp.sms.coding import Alphabet, decode_text, scheme_of
from smpp.sms.national import NO_SHIFT, Shift
from smpp.sms.udh import Concat, UserDataHeader
from smpp.wire import tlv


@dataclass(slots=True, frozen=True)
class InboundPart:
    """One part as it came."""

    account: str
    """Whose bind it came over: references of different accounts have nothing to do with each other."""
    source: str
    destination: str
    concat: Concat
    octets: bytes
    """Without the user data header."""
    data_coding: int = 0
    udh: UserDataHeader | None = None
    is_sar: bool = False
    tag: object = None
    """The caller's own, handed back with the message: a row's id, say."""


class LostReason(StrEnum):
    """Why a message was given up before it was whole."""

    EXPIRED = "expired"
    CONTRADICTED = "contradicted"
    """Another part with the same number came: the reference was used again."""
    CROWDED_OUT = "crowded out"
    """The oldest had to go, for a cap on messages or octets."""


@dataclass(slots=True, frozen=True)
class Whole:
    """A message with all its parts."""

    parts: tuple[InboundPart, ...]
    """In order."""

    @property
    def octets(self) -> bytes:
        """The bodies, joined."""
        return b"".join(part.octets for part in self.parts)

    @property
    def tags(self) -> tuple[object, ...]:
        """The callers' tags, in the order of the parts."""
        return tuple(part.tag for part in self.parts)

    def text(self, default_alphabet: str = Alphabet.GSM) -> str:
        """The text. Never raises.

        Parts of one coding are joined before they are decoded, since careless senders cut inside a pair; national
        tables and packing hold for one part alone.
        """
        return text_of(self.parts, default_alphabet)


@dataclass(slots=True, frozen=True)
class Incomplete:
    """What there is of a message that was given up."""

    parts: tuple[InboundPart, ...]
    """Those that came, in order."""
    total: int
    reason: LostReason

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the parts that did not come."""
        there = {part.concat.number for part in self.parts}
        return tuple(number for number in range(1, self.total + 1) if number not in there)

    def text(self, default_alphabet: str = Alphabet.GSM, *, gap: str = "…") -> str:
        """The text of what there is, with `gap` where parts are missing."""
        there = {part.concat.number: part for part in self.parts}
        out = []
        numbers = range(1, self.total + 1)
        for is_there, run in groupby(numbers, key=there.__contains__):
            out.append(text_of([there[number] for number in run], default_alphabet) if is_there else gap)
        return "".join(out)


def text_of(parts: Sequence[InboundPart], default_alphabet: str = Alphabet.GSM) -> str:
    """The text of parts that follow each other. Never raises."""
    out = []
    for (data_coding, shift), run in groupby(parts, key=lambda part: (part.data_coding, _shift_of(part))):
        same = list(run)
        if len(same) == 1 or scheme_of(data_coding & 0xFF, default_alphabet).alphabet is Alphabet.GSM_PACKED:
            out += [decode_text(part.octets, data_coding, default_alphabet, udh=part.udh) for part in same]
        else:
            header = None if shift == NO_SHIFT else UserDataHeader.of(shift)
            octets = b"".join(part.octets for part in same)
            out.append(decode_text(octets, data_coding, default_alphabet, udh=header))
    return "".join(out)


def concat_of(udh: UserDataHeader | None, tlvs: Mapping[int, bytes]) -> tuple[Concat, bool] | None:
    """Which part of which message a PDU is, and whether the TLVs say so; None where it stands alone.

    A header goes before TLVs: the two do not belong together (§5.3.2.22), and the header is what a phone would see.
    """
    if udh is not None and udh.concat is not None:
        return udh.concat, False
    reference = tlvs.get(tlv.sar_msg_ref_num.tag)
    total = tlvs.get(tlv.sar_total_segments.tag)
    number = tlvs.get(tlv.sar_segment_seqnum.tag)
    # §5.3.2.22: without all three they mean nothing.
    if reference is None or total is None or number is None:
        return None
    if (len(reference), len(total), len(number)) != (2, 1, 1):
        return None
    concat = Concat(int.from_bytes(reference, "big"), total[0], number[0], is_16bit=True)
    return (concat, True) if concat.is_valid else None


_Key = tuple[str, str, str, int, int, int]


@dataclass(slots=True)
class _Pending:
    deadline: float
    total: int
    parts: dict[int, InboundPart] = field(default_factory=dict)
    octets: int = 0
    earlier: tuple[int, ...] = ()
    """Digests of the message that was finished under the same key a short while ago."""

    def repeats_only(self) -> bool:
        """Whether every part belongs to that message: late copies, which nobody misses."""
        if not self.earlier:
            return False
        return all(self.earlier[number - 1] == _digest(part) for number, part in self.parts.items())


class Reassembler:
    """Collects parts until a message is whole.

    Args:
        ttl_seconds: how long a message may take, counted from its first part.
        max_messages: unfinished messages; beyond it the oldest is given up.
        max_messages_per_account: likewise, so that one account cannot crowd out the others.
        max_octets: of all unfinished messages together.
        max_parts: parts of all unfinished messages together.
        remember_seconds: how long a finished message is remembered. Some of its parts sent again are then no loss when
            they come to nothing; all of them sent again are a message again, since the sender may mean it.
    """

    def __init__(
        self,
        *,
        ttl_seconds: float = 3600.0,
        max_messages: int = 100_000,
        max_messages_per_account: int = 20_000,
        max_octets: int = 64 * 1024 * 1024,
        max_parts: int = 500_000,
        remember_seconds: float = 300.0,
    ) -> None:
        self.ttl_seconds = ttl_seconds
        self.max_messages = max_messages
        self.max_messages_per_account = max_messages_per_account
        self.max_octets = max_octets
        self.max_parts = max_parts
        self.remember_seconds = remember_seconds
        self.duplicates = 0
        """Parts that came again and were not needed."""
        # All in order of age: what is added last expires last. OrderedDict, because taking the first of a plain dict
        # walks over all that was deleted before it.
        self._pending: OrderedDict[_Key, _Pending] = OrderedDict()
        self._by_account: dict[str, OrderedDict[_Key, None]] = {}
        self._finished: OrderedDict[_Key, tuple[float, tuple[int, ...]]] = OrderedDict()
        self._octets = 0
        self._parts = 0
        self._finished_parts = 0
        self._lost: deque[Incomplete] = deque()

    def __len__(self) -> int:
        """Unfinished messages."""
        return len(self._pending)

    @property
    def octets(self) -> int:
        """Octets of all unfinished messages."""
        return self._octets

    def add(self, part: InboundPart, now: float) -> Whole | None:
        """Take a part; the message if this makes it whole.

        After this call, look at `take_lost`.
        """
        self._expire(now)
        if part.concat.total == 1:
            return Whole((part,))
        if not part.concat.is_valid:
            raise ValueError(f"part {part.concat.number} of {part.concat.total} cannot be; see concat_of")
        key = _key_of(part)
        pending = self._pending.get(key)
        if pending is not None:
            same_number = pending.parts.get(part.concat.number)
            if same_number is not None:
                if _digest(same_number) == _digest(part):
                    self.duplicates += 1
                    return None
                self._give_up(key, LostReason.CONTRADICTED)
                pending = None
        if pending is None:
            pending = self._start(key, part.concat.total, now)
        pending.parts[part.concat.number] = part
        pending.octets += len(part.octets)
        self._octets += len(part.octets)
        self._parts += 1
        if len(pending.parts) == pending.total:
            return self._finish(key, now)
        self._make_room(key)
        return None

    def take_lost(self, now: float) -> list[Incomplete]:
        """What was given up since the last call, the oldest first."""
        self._expire(now)
        lost = list(self._lost)
        self._lost.clear()
        return lost

    def next_timer(self) -> float | None:
        """When `take_lost` will next have something; None while nothing waits."""
        return next((pending.deadline for pending in self._pending.values()), None)

    def _start(self, key: _Key, total: int, now: float) -> _Pending:
        pending = self._pending[key] = _Pending(now + self.ttl_seconds, total)
        self._by_account.setdefault(key[0], OrderedDict())[key] = None
        finished = self._finished.get(key)
        if finished is not None:
            pending.earlier = finished[1]
        return pending

    def _finish(self, key: _Key, now: float) -> Whole:
        pending = self._remove(key)
        parts = tuple(pending.parts[number] for number in range(1, pending.total + 1))
        self._forget(key)
        self._finished[key] = (now + self.remember_seconds, tuple(map(_digest, parts)))
        self._finished_parts += pending.total
        while len(self._finished) > self.max_messages or self._finished_parts > self.max_parts:
            self._forget(next(iter(self._finished)))
        return Whole(parts)

    def _forget(self, key: _Key) -> None:
        finished = self._finished.pop(key, None)
        if finished is not None:
            self._finished_parts -= len(finished[1])

    def _make_room(self, newest: _Key) -> None:
        """Give up the oldest while a cap is passed; the newest itself only where nothing else is left."""
        mine = self._by_account[newest[0]]
        if len(mine) > self.max_messages_per_account:
            self._give_up(next(iter(mine)), LostReason.CROWDED_OUT)
        while self._pending and self._is_over_a_cap():
            self._give_up(next(iter(self._pending)), LostReason.CROWDED_OUT)

    def _is_over_a_cap(self) -> bool:
        return len(self._pending) > self.max_messages or self._octets > self.max_octets or self._parts > self.max_parts

    def _give_up(self, key: _Key, reason: LostReason) -> None:
        pending = self._remove(key)
        if pending.repeats_only():
            self.duplicates += len(pending.parts)
            return
        parts = tuple(part for _, part in sorted(pending.parts.items()))
        self._lost.append(Incomplete(parts, pending.total, reason))

    def _remove(self, key: _Key) -> _Pending:
        pending = self._pending.pop(key)
        self._octets -= pending.octets
        self._parts -= len(pending.parts)
        mine = self._by_account[key[0]]
        del mine[key]
        if not mine:
            del self._by_account[key[0]]
        return pending

    def _expire(self, now: float) -> None:
        while self._pending:
            key, pending = next(iter(self._pending.items()))
            if pending.deadline > now:
                break
            self._give_up(key, LostReason.EXPIRED)
        while self._finished:
            key, (deadline, _) = next(iter(self._finished.items()))
            if deadline > now:
                break
            self._forget(key)


def _key_of(part: InboundPart) -> _Key:
    concat = part.concat
    width = 0 if part.is_sar else 16 if concat.is_16bit else 8
    return part.account, part.source, part.destination, concat.reference, width, concat.total


def _digest(part: InboundPart) -> int:
    # Of this process only, and never shown: enough to tell a repeated part from another one.
    return hash((part.octets, part.data_coding))


def _shift_of(part: InboundPart) -> Shift:
    return part.udh.shift if part.udh is not None else NO_SHIFT
