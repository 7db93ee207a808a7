"""Numbered plain SQL: ``sql/<engine>/NNNN_name.sql``, applied once each, in order."""

from importlib.resources import files
from typing import NamedTuple


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    sql: str


def migrations(engine: str) -> list[Migration]:
    """An engine's migrations, in order."""
    found = []
    for file in files("gateway.store").joinpath("sql", engine).iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql"):
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found)
