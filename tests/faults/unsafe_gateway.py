"""``gateway`` with SQLite told not to wait for the disk: what a test of durability has to notice."""

import sqlite3
from functools import partial
from typing import Any

from gateway.__main__ import main


class Unsafe(sqlite3.Connection):
    """Leaves out every fsync."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement; the one that asks for safety asks for none."""
        return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), parameters)


if __name__ == "__main__":
    sqlite3.connect = partial(sqlite3.connect, factory=Unsafe)  # type: ignore[assignment]
    main()
