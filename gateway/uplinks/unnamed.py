"""Messages from handsets that their provider gives no id: which are one that is sent once more, and which are two.

Mocean sends a message again, for 24 hours, until it is answered 2xx, and names it by nothing but its fields, of which
one is the second in which it came. So:

| a request that says the same, octet for octet | is |
|---|---|
| within `TWINS_SECONDS` of the one before | another message: a handset sent it twice in that second |
| later | the one before once more: our answer was lost on its way |
| without any time | another message: nothing says that it is not |

A request that we did not answer 2xx, because its message could not be kept, comes again and is then kept, whichever it
is taken for.
"""

import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.errors import StoreError
from gateway.store.records import Record, RecordStore

KIND: Final = "unnamed"
TWINS_SECONDS: Final = 10.0
"""Two messages of one second set out at once; who waits for an answer that is lost waits longer."""
KEPT_SECONDS: Final = 25 * 3_600.0
"""Longer than it is sent again."""
SWEEP_SECONDS: Final = 600.0
SWEEP_BATCH: Final = 200
TRIES: Final = 20


class Seen(msgspec.Struct, frozen=True):
    """What has come that says the same."""

    count: int
    latest_at: float


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Seen).decode


class Unnamed:
    """Tells the messages of one uplink apart; on every node the same.

    Args:
        uplink: its name.
        records: where it is kept what has come.
    """

    def __init__(self, uplink: str, records: RecordStore, clock: Callable[[], float]) -> None:
        self._uplink = uplink
        self._records = records
        self._clock = clock
        self._swept_at = clock()

    async def number(self, digest: str, *, has_time: bool) -> str:
        """Which of the messages that say the same this is: the same again for one that is sent once more.

        Args:
            digest: of all that it says.
            has_time: whether it says when it came.

        Raises:
            StoreError: that cannot be told now.
        """
        if not has_time:
            return secrets.token_hex(8)
        now = self._clock()
        await self._sweep(now)
        for _ in range(TRIES):
            record = await self._records.find_record(KIND, self._uplink, digest)
            if record is None:
                record = Record(kind=KIND, account=self._uplink, key=digest, created_at=now)
                seen = Seen(0, 0.0)
            else:
                seen = _decode(record.value)
            is_repeat = bool(seen.count) and now - seen.latest_at > TWINS_SECONDS
            seen = Seen(seen.count if is_repeat else seen.count + 1, now)
            written = msgspec.structs.replace(
                record, value=_encode(seen), due_at=now + KEPT_SECONDS, updated_at=now, callbacks=()
            )
            if all(await self._records.put_records([written])):
                return str(seen.count)
        raise StoreError("too many messages that say the same at once")

    async def _sweep(self, now: float) -> None:
        if now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = now
        old = await self._records.due_records(KIND, now, limit=SWEEP_BATCH)
        for uplink in {one.account for one in old}:
            await self._records.drop_records(KIND, uplink, [one.key for one in old if one.account == uplink])
