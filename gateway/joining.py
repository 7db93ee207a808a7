"""Long messages from handsets: their parts are kept in the store until all are there, or the time is over.

    part ──commit──► all there? ──► message ──commit──► parts forgotten, the set remembered for a while
                     time over? ──► what is there, marked

A part is safe as soon as it is committed: whoever ends before the rest is done, the sweep of any node goes on where it
stopped. What makes the message of a set first writes the first part anew; only one node succeeds with that. The message
bears the id of its first part, so that it is kept once even if it is made twice.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.config import UplinkConfig
from gateway.errors import StoreError
from gateway.models import Inbound
from gateway.store import Record, Store
from smpp.errors import DecodeError
from smpp.sms.reassembly import InboundPart, Incomplete, LostReason
from smpp.sms.udh import Concat, UserDataHeader, parse_udh

PART: Final = "inbound_part"
JOINED: Final = "inbound_joined"
REMEMBER_SECONDS: Final = 300.0
"""How long the parts of a message are known that was made: an SMSC may send one of them once more."""
CLAIM_SECONDS: Final = 30.0
"""Who makes a message of a set has so long, before the sweep takes it for dead."""
TRIES: Final = 10
SWEEP_LIMIT: Final = 200

_encode: Final = msgspec.json.Encoder().encode
_decode_part: Final = msgspec.json.Decoder(Inbound).decode
_decode_digests: Final = msgspec.json.Decoder(dict[int, str]).decode


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A message made of parts; `Joiner.finish` is told when it is committed."""

    inbound: Inbound
    group: str = ""
    name: str = ""
    """Of the set; empty where the message came alone."""
    keys: tuple[str, ...] = ()
    digests: Mapping[int, str] = {}


class Taken(msgspec.Struct, frozen=True):
    """What a part has led to."""

    joined: Joined | None = None
    """The message it makes; it is to be committed, and `Joiner.finish` told."""
    is_again_wanted: bool = False
    """Whether that was an earlier message which stood in the way: the part is to be given once more then."""


class Joiner:
    """Joins parts.

    Args:
        store: where parts are kept.
        uplinks: settings by name: parts that come over uplinks of one group belong together.
        seconds: how long a message may take, from its first part on.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        uplinks: Mapping[str, UplinkConfig],
        seconds: float,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._uplinks = uplinks
        self._seconds = seconds
        self._clock = clock

    def reconfigure(self, uplinks: Mapping[str, UplinkConfig], seconds: float) -> None:
        """Go by other settings from now on."""
        self._uplinks, self._seconds = uplinks, seconds

    async def take(self, inbound: Inbound) -> Taken:
        """Keep a part, and tell which message that makes, if any.

        Raises:
            StoreError: the part is not kept.
        """
        concat = _concat_of(inbound)
        if concat is None:
            return Taken(Joined(inbound=inbound))
        config = self._uplinks.get(inbound.uplink)
        group = config.group if config is not None else inbound.uplink
        name = _name_of_set(inbound, concat)
        new = self._record(inbound, group, name, concat.number)
        for _ in range(TRIES):
            (is_new,) = await self._store.put_records([new])
            there = None if is_new else await self._store.find_record(PART, group, new.key)
            if not is_new and there is None:
                continue
            if there is None or _digest(_decode_part(there.value)) == _digest(inbound):
                return Taken(await self._claim(group, name, concat.total, must_be_whole=True))
            # The reference was used again: what is there of the earlier message is all that comes of it.
            earlier = await self._claim(group, name, concat.total, must_be_whole=False)
            if earlier is not None:
                return Taken(earlier, is_again_wanted=True)
        raise StoreError("the parts of a message are being changed by another node")

    async def finish(self, joined: Joined) -> None:
        """Forget the parts of a message that is committed; copies of them that still come are known for a while."""
        if not joined.name:
            return
        old = await self._store.find_record(JOINED, joined.group, joined.name)
        now = self._clock()
        known = Record(
            kind=JOINED,
            account=joined.group,
            key=joined.name,
            value=_encode(dict(joined.digests)),
            due_at=now + REMEMBER_SECONDS + self._seconds,
            version=old.version if old is not None else 0,
            created_at=now,
            updated_at=now,
        )
        await self._store.put_records([known])
        await self._forget(joined)

    async def overdue(self) -> list[Joined]:
        """What is there of messages whose time is over, a few at a time; old memories are dropped."""
        now = self._clock()
        old = await self._store.due_records(JOINED, now, limit=SWEEP_LIMIT)
        for group in {one.account for one in old}:
            await self._store.drop_records(JOINED, group, [one.key for one in old if one.account == group])
        due = await self._store.due_records(PART, now, limit=SWEEP_LIMIT)
        made = []
        for group, name in dict.fromkeys((one.account, one.tag) for one in due):
            joined = await self._claim(group, name, _total_of(name), must_be_whole=False)
            if joined is not None:
                made.append(joined)
        return made

    async def _repeats(self, joined: Joined, since: float) -> bool:
        """Whether all there is of a set are copies of parts of a message that was made a short while before."""
        known = await self._store.find_record(JOINED, joined.group, joined.name)
        if known is None or since > known.created_at + REMEMBER_SECONDS:
            return False
        earlier = _decode_digests(known.value)
        return all(earlier.get(number) == digest for number, digest in joined.digests.items())

    def _record(self, inbound: Inbound, group: str, name: str, number: int) -> Record:
        now = self._clock()
        return Record(
            kind=PART,
            account=group,
            key=f"{name}.{number:03d}",
            value=_encode(inbound),
            tag=name,
            due_at=now + self._seconds,
            created_at=now,
            updated_at=now,
        )

    async def _claim(self, group: str, name: str, total: int, *, must_be_whole: bool) -> Joined | None:
        """Make a message of a set, unless somebody else does, or parts of it are wanted that are not there."""
        records = await self._store.records(PART, group, tag=name, limit=total)
        if not records or (must_be_whole and len(records) < total):
            return None
        now = self._clock()
        first = msgspec.structs.replace(records[0], due_at=now + CLAIM_SECONDS, updated_at=now)
        (is_ours,) = await self._store.put_records([first])
        if not is_ours:
            return None
        joined = self._joined(group, name, total, records)
        if joined.inbound.missing_parts and await self._repeats(joined, records[0].created_at):
            await self._forget(joined)
            return None
        return joined

    async def _forget(self, joined: Joined) -> None:
        await self._store.drop_records(PART, joined.group, joined.keys)

    def _joined(self, group: str, name: str, total: int, records: Sequence[Record]) -> Joined:
        parts = {int(one.key.rpartition(".")[2]): _decode_part(one.value) for one in records}
        first = parts[min(parts)]
        config = self._uplinks.get(first.uplink)
        alphabet = config.default_alphabet if config is not None else "gsm"
        smpp_parts = tuple(_smpp_part(parts[number], number, total) for number in sorted(parts))
        text = Incomplete(smpp_parts, total, LostReason.EXPIRED).text(alphabet)
        message = msgspec.structs.replace(
            first,
            text=text,
            data=b"".join(parts[number].data for number in sorted(parts)),
            udh=_without_concat(first.udh),
            received_at=min(part.received_at for part in parts.values()),
            part_count=total,
            missing_parts=total - len(parts),
        )
        return Joined(
            inbound=message,
            group=group,
            name=name,
            keys=tuple(one.key for one in records),
            digests={number: _digest(part) for number, part in parts.items()},
        )


def _concat_of(inbound: Inbound) -> Concat | None:
    """Which part of a longer message it is; None where it stands alone."""
    if not inbound.udh:
        return None
    try:
        concat = parse_udh(inbound.udh).concat
    except DecodeError:
        return None
    return concat if concat is not None and concat.is_valid and concat.total > 1 else None


def _name_of_set(inbound: Inbound, concat: Concat) -> str:
    width = 16 if concat.is_16bit else 8
    return f"{inbound.sender}>{inbound.recipient}#{concat.reference}/{width}/{concat.total}"


def _total_of(name: str) -> int:
    return int(name.rpartition("/")[2])


def _digest(part: Inbound) -> str:
    return hashlib.blake2b(bytes([part.data_coding & 0xFF]) + part.data, digest_size=12).hexdigest()


def _smpp_part(part: Inbound, number: int, total: int) -> InboundPart:
    header = parse_udh(part.udh)
    concat = header.concat or Concat(0, total, number)
    return InboundPart("", part.sender, part.recipient, concat, part.data, part.data_coding, header)


def _without_concat(udh: bytes) -> bytes:
    left = parse_udh(udh).without_concat()
    return UserDataHeader(left).encode() if left else b""
