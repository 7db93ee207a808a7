"""``gateway migrate``: brings the store's schema up to date before a gateway does so at its start."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import click

from gateway.cli.remote import CONFIG_FILE, REFUSED, fail, load_config
from gateway.errors import StoreError
from gateway.store import open_store
from gateway.store.migrations import migrations


@click.command()
@click.argument("config_file", metavar="CONFIG.toml", type=CONFIG_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def migrate(config_file: Path, as_json: bool) -> None:
    """Apply the numbered migrations that the store lacks, and say which. SQLite: while no gateway runs."""
    url = load_config(config_file).store.url
    try:
        before, after = asyncio.run(_migrate(url))
    except StoreError as error:
        fail(str(error), REFUSED)
    names = {one.number: f"{one.number:04} {one.name}" for one in migrations(_engine(url))}
    new = [names[number] for number in sorted(after - before)]
    if as_json:
        click.echo(json.dumps({"applied": new, "version": max(after, default=0)}))
        return
    for name in new:
        click.echo(f"applied {name}")
    click.echo(f"the store is at {names[max(after)]}" if after else "this store keeps nothing: there is nothing to do")


async def _migrate(url: str) -> tuple[set[int], set[int]]:
    before = await applied(url)
    store = await open_store(url)
    await store.close()
    return before, await applied(url)


def _engine(url: str) -> str:
    scheme = url.partition(":")[0]
    return {"postgresql": "postgres"}.get(scheme, scheme) if scheme != "memory" else "sqlite"


async def applied(url: str) -> set[int]:
    """The numbers of the migrations that a store has.

    Raises:
        StoreError: it cannot be read.
    """
    engine, _, path = url.partition(":")
    if engine == "sqlite":
        return await asyncio.to_thread(_of_sqlite, Path(path))
    if engine in ("postgresql", "postgres"):
        return await _of_postgres(url)
    return set()


def _of_sqlite(path: Path) -> set[int]:
    if not path.exists():
        return set()
    try:
        with closing(sqlite3.connect(f"file:{path.as_posix()}?mode=ro", uri=True)) as connection:
            (has_table,) = connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'migrations'").fetchone()
            if not has_table:
                return set()
            return {number for (number,) in connection.execute("SELECT number FROM migrations")}
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


async def _of_postgres(url: str) -> set[int]:
    try:
        import asyncpg
    except ImportError as error:
        raise StoreError("PostgreSQL needs the extra `postgres`: pip install smppkit[postgres]") from error
    try:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            if await connection.fetchval("SELECT to_regclass('migrations')") is None:
                return set()
            return {row[0] for row in await connection.fetch("SELECT number FROM migrations")}
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise StoreError(f"PostgreSQL cannot be reached: {error or type(error).__name__}") from error
