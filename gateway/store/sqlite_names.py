"""Messages by client reference, group, number and account, at a cost that does not grow with the store.

An index in the usual sense would put each new message into a leaf of its own, anywhere in a tree as large as the store.
Here the newest messages are found through a table in memory; when it holds enough of them, its names are sorted and
written one behind the other, as a run; whoever asks looks into memory, then into each run, the newest first.

    add ──► tail ──RUN_SIZE messages──► a run that is being written, a little with every add ──► a run

What is in no complete run is read from the messages again when the store is opened; where that is a lot (an earlier
version wrote the store), the sweep does it bit by bit, and whoever asks goes through those rows meanwhile.
"""

import contextlib
import sqlite3
from array import array
from collections.abc import Generator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from gateway.models import Message
from gateway.store.ids import key_of
from gateway.store.sqlite_rows import write_rows

Connection = sqlite3.Connection

RUN_SIZE: Final = 262_144
"""Messages of a run: whoever asks has one look into each, so that ten million messages take some forty."""
LATE_KEYS: Final = 5_000 << 14
"""Keys of five seconds (ids.py): messages may be committed in another order than they got their ids in."""
BACKLOG_LIMIT: Final = 2 * RUN_SIZE
"""Messages outside of runs that are read into memory when the store is opened; more are left to the sweep."""
SWEEP_ROWS: Final = 4_000
WRITTEN_WITH_EACH: Final = 8
"""Names of the run that are written with each new message: twice as many as it has, so that one run has long ended when
the next is due."""

HASH_BITS: Final = 48
_BUCKET_BITS: Final = 7
_SHIFT: Final = HASH_BITS - _BUCKET_BITS

_KINDS: Final = {"client_reference": b"c", "group": b"g", "recipient": b"r", "account": b"a"}
"""The names of messages, those first that lead to the fewest."""
_SELECT: Final = (
    "SELECT key, client_reference, batch, recipient, account FROM messages WHERE key > ? AND key <= ?"
    " ORDER BY key LIMIT ?"
)
_INSERT: Final = "INSERT OR IGNORE INTO names (run, hash, message) VALUES {rows}"

_FIND: Final = (
    "SELECT names.message FROM name_runs CROSS JOIN names ON names.run = name_runs.run AND names.hash = ?"
    " WHERE names.message >= ? AND names.message < ? AND name_runs.last_key >= ? AND name_runs.first_key < ?"
    " ORDER BY name_runs.run DESC, names.message DESC"
)


def leading_name(names: dict[str, str]) -> tuple[str, str] | None:
    """Of the names that are asked for, the one that leads to the fewest messages."""
    return next(((kind, names[kind]) for kind in _KINDS if names.get(kind)), None)


def name_hash(kind: str, value: str) -> int:
    """48 bits for a name: few messages share them by chance, and whoever asks looks at the messages themselves."""
    octets = _KINDS[kind] + value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(octets, digest_size=HASH_BITS // 8).digest(), "big")


@lru_cache(10_000)
def _account_hash(account: str) -> int:
    return name_hash("account", account)


if TYPE_CHECKING:
    Numbers = array[int]


class Tail:
    """Names of messages in memory, in buckets of plain numbers: small, and nothing for the collector to look at.

    A bucket is searched from end to end, which is quick; accounts, of which there are few with many messages each, have
    a list of their own.
    """

    __slots__ = ("_accounts", "_buckets", "count", "first", "last")

    def __init__(self) -> None:
        self._buckets: list[tuple[Numbers, Numbers]] = [(array("Q"), array("Q")) for _ in range(1 << _BUCKET_BITS)]
        self._accounts: dict[int, Numbers] = {}
        self.count = 0
        self.first, self.last = 1 << 62, 0

    def add(self, key: int, reference: str, group: str, recipient: str, account: str) -> None:
        """One message."""
        owner = _account_hash(account)
        if (own := self._accounts.get(owner)) is None:
            own = self._accounts[owner] = array("Q")
        own.append(key)
        self._put(name_hash("recipient", recipient), key)
        if reference:
            self._put(name_hash("client_reference", reference), key)
        if group:
            self._put(name_hash("group", group), key)
        self.count += 1
        self.first, self.last = min(self.first, key), max(self.last, key)

    def _put(self, one: int, key: int) -> None:
        hashes, keys = self._buckets[one >> _SHIFT]
        # Whoever finds a hash finds its key: others may be looking.
        keys.append(key)
        hashes.append(one)

    def find(self, wanted: int) -> list[int]:
        """The keys of messages that have a name."""
        hashes, keys = self._buckets[wanted >> _SHIFT]
        found = list(self._accounts.get(wanted, ()))
        at = -1
        with contextlib.suppress(ValueError):
            while True:
                at = hashes.index(wanted, at + 1)
                found.append(keys[at])
        return found

    def bucket(self, n: int) -> list[tuple[int, int]] | None:
        """The names of a bucket with their keys, sorted, all of them before those of the next. None: no such bucket."""
        if n >= len(self._buckets):
            return None
        hashes, keys = self._buckets[n]
        rows = list(zip(hashes, keys, strict=False))
        for owner, own in list(self._accounts.items()):
            if owner >> _SHIFT == n:
                rows += [(owner, key) for key in own]
        rows.sort()
        return rows


class Run:
    """A tail that is being written."""

    __slots__ = ("_at", "_bucket", "_last", "_rows", "names", "number")

    def __init__(self, number: int, names: Tail) -> None:
        self.number = number
        self.names = names
        self._bucket = 0
        self._rows: list[tuple[int, int]] = []
        self._at = 0
        self._last: tuple[int, int] | None = None

    def is_kept(self, connection: Connection) -> bool:
        """Whether it was ended, and its end committed."""
        return bool(connection.execute("SELECT 1 FROM name_runs WHERE run = ?", (self.number,)).fetchone())

    def write(self, connection: Connection, count: int) -> None:
        """Write some more of it; with the last of it, its end."""
        if self._last is not None and not self._is_there(connection, self._last):
            # What was written before was undone with the rest of its transaction.
            self._bucket, self._rows, self._at, self._last = 0, [], 0, None
        while count > 0:
            if self._at >= len(self._rows):
                rows = self.names.bucket(self._bucket)
                if rows is None:
                    self._end(connection)
                    return
                self._bucket, self._rows, self._at = self._bucket + 1, rows, 0
                continue
            some = self._rows[self._at : self._at + count]
            write_rows(connection, _INSERT, [(self.number, *row) for row in some])
            self._at += len(some)
            self._last = some[-1]
            count -= len(some)

    def _is_there(self, connection: Connection, row: tuple[int, int]) -> bool:
        statement = "SELECT 1 FROM names WHERE run = ? AND hash = ? AND message = ?"
        return bool(connection.execute(statement, (self.number, *row)).fetchone())

    def _end(self, connection: Connection) -> None:
        connection.execute(
            "INSERT OR IGNORE INTO name_runs (run, first_key, last_key) VALUES (?, ?, ?)",
            (self.number, self.names.first, self.names.last),
        )


class Names:
    """The names of a store's messages: the writer's thread changes them, others ask."""

    def __init__(self, connection: Connection) -> None:
        self.tail = Tail()
        self._run: Run | None = None
        self._gathering = Tail()
        last_run, done = connection.execute("SELECT max(run), max(last_key) FROM name_runs").fetchone()
        self._next_run, done = (last_run or 0) + 1, done or 0
        # Of a run that was not ended nothing is left.
        connection.execute("DELETE FROM names WHERE run >= ?", (self._next_run,))
        newest = connection.execute("SELECT max(key) FROM messages").fetchone()[0] or 0
        counted = "SELECT count(*) FROM (SELECT 1 FROM messages WHERE key > ? LIMIT ?)"
        is_much = connection.execute(counted, (done, BACKLOG_LIMIT + 1)).fetchone()[0] > BACKLOG_LIMIT
        self.backlog = (done, newest if is_much else done)
        """Messages after the first key and up to the second are in no complete run and not in memory."""
        if not is_much:
            _read(connection, max(0, done - LATE_KEYS), newest, self.tail)

    # --- writing ---

    def note(self, connection: Connection, messages: Sequence[Message]) -> None:
        """New messages; a little of the run that is due is written with them."""
        tail = self.tail
        for message in messages:
            tail.add(key_of(message.id), message.client_reference, message.group, message.recipient, message.account)
        # Runs grow with the keys: what was left to the sweep comes first.
        if self._run is None and tail.count >= RUN_SIZE and not self._has_backlog:
            # Whoever asks looks into the tail first and then here: what moves is in one of the two at least.
            self._run = Run(self._next_run, tail)
            self._next_run += 1
            self.tail = Tail()
        if self._run is not None:
            self._write(connection, self._run, WRITTEN_WITH_EACH * len(messages))

    def _write(self, connection: Connection, run: Run, count: int) -> None:
        if not run.is_kept(connection):
            run.write(connection, count)
            return
        self._run = None
        if self._has_backlog:
            self.backlog = (run.names.last, self.backlog[1])

    @property
    def _has_backlog(self) -> bool:
        return self.backlog[0] < self.backlog[1]

    def catch_up(self, connection: Connection) -> bool:
        """Do some of what was left when the store was opened; whether there is more of it."""
        if not self._has_backlog:
            return False
        if self._run is not None:
            self._write(connection, self._run, 2 * SWEEP_ROWS)
            return True
        gathered = self._gathering
        after = max(gathered.last, self.backlog[0])
        if gathered.count < RUN_SIZE and _read(connection, after, self.backlog[1], gathered, SWEEP_ROWS):
            return True
        if not gathered.count:
            # The rest of it was deleted meanwhile.
            self.backlog = (self.backlog[1], self.backlog[1])
            return False
        self._run, self._gathering = Run(self._next_run, gathered), Tail()
        self._next_run += 1
        return True

    def drop_old(self, connection: Connection) -> bool:
        """Drop some of the names of messages that are gone; whether there are more."""
        oldest = connection.execute("SELECT min(key) FROM messages").fetchone()[0]
        if oldest is not None:
            connection.execute("DELETE FROM name_runs WHERE last_key < ?", (oldest,))
        run = connection.execute("SELECT min(run) FROM names").fetchone()[0]
        if run is None or (self._run is not None and run == self._run.number):
            return False
        if connection.execute("SELECT 1 FROM name_runs WHERE run = ?", (run,)).fetchone():
            return False
        connection.execute(
            "DELETE FROM names WHERE (run, hash, message) IN"
            " (SELECT run, hash, message FROM names WHERE run = ? ORDER BY hash, message LIMIT ?)",
            (run, SWEEP_ROWS),
        )
        return True

    # --- asking ---

    def in_memory(self, wanted: int) -> list[int]:
        """The newest messages that have a name, the newest first."""
        found = set(self.tail.find(wanted))
        run = self._run
        if run is not None:
            found.update(run.names.find(wanted))
        return sorted(found, reverse=True)

    @staticmethod
    def in_runs(connection: Connection, wanted: int, first: int, last: int) -> Generator[int, None, None]:
        """Others that have it, the newest first: from a key on, up to but without another."""
        rows = connection.execute(_FIND, (wanted, first, last, first, last))
        try:
            for (key,) in rows:
                yield key
        finally:
            rows.close()


def _read(connection: Connection, after: int, last: int, into: Tail, limit: int = -1) -> int:
    rows = connection.execute(_SELECT, (after, last, limit)).fetchall()
    for key, *names in rows:
        into.add(key, *names)
    return len(rows)
