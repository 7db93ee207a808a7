"""What whoever copies a database has: SQLite's files; PostgreSQL's rows, and its log since somebody began to look."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg

from tests.postgres import Cluster

SEGMENT_OCTETS = 1 << 24


@dataclass(frozen=True)
class KeptOctets:
    """A database under test.

    The log of a server is shared by many tests: what was there before says nothing, and would take long to search.
    """

    url: str
    folder: Path
    log: Path | None = None
    since: int = 0

    @classmethod
    async def from_now(cls, url: str, folder: Path, cluster: Cluster | None) -> Self:
        """Begin to look; a cluster is of a URL of PostgreSQL."""
        if cluster is None:
            return cls(url, folder)
        connection = await asyncpg.connect(url)
        try:
            return cls(url, folder, cluster.folder / "data" / "pg_wal", await _position(connection))
        finally:
            await connection.close()

    async def read(self) -> bytes:
        """All of it."""
        if self.log is None:
            files = sorted(self.folder.glob("gateway.db*"))
            return b"".join(file.read_bytes() for file in files if file.is_file() and file.suffix != ".key")
        connection = await asyncpg.connect(self.url)
        try:
            rows = await _rows(connection, self.url.rpartition("search_path=")[2])
            log = self._log_until(self.log, await _position(connection))
        finally:
            await connection.close()
        assert len(log) > 1_000 or not rows, "this is not where the server writes"
        return rows + log

    def _log_until(self, log: Path, end: int) -> bytes:
        found = bytearray()
        for file in sorted(log.glob("0*")):
            if len(file.name) != 24:
                continue
            start = int(file.name[8:16], 16) * (1 << 32) + int(file.name[16:], 16) * SEGMENT_OCTETS
            if start + SEGMENT_OCTETS > self.since and start < end:
                found += file.read_bytes()[max(0, self.since - start) : end - start]
        return bytes(found)


async def _position(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """How many octets of log the server has written."""
    return int(await connection.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


async def _rows(connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> bytes:
    found = bytearray()
    for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema):
        for row in await connection.fetch(f'SELECT * FROM "{table}"'):  # noqa: S608
            for value in row.values():
                found += value if isinstance(value, bytes) else str(value).encode()
                found += b"\n"
    return bytes(found)
