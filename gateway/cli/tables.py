"""How answers are shown: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click

WIDTH: Final = 48
"""Longest cell; `--json` has all of it."""


def show(answer: Any, as_json: bool, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Show an answer.

    Args:
        answer: all of it, shown as JSON where that is asked for.
        rows: what the table has.
        columns: names of the rows' keys, in order; ``key=TITLE`` for another title.
    """
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    click.echo(table(rows, columns))


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Aligned columns under their titles; numbers to the right."""
    named = [name.partition("=") for name in columns]
    titles = [title or key.replace("_", " ").upper() for key, _, title in named]
    lines = [[_cell(row.get(key)) for key, _, _ in named] for row in rows]
    if not lines:
        return "nothing"
    widths = [max(map(len, column)) for column in zip(titles, *lines, strict=True)]
    numbers = [all(_is_number(line[at]) for line in lines) for at in range(len(named))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in [titles, *lines]
    )


def fields(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """One thing, a line for each of its fields that says something."""
    shown = [(name.replace("_", " "), _cell(values.get(name), limit=None)) for name in names]
    shown = [(name, value) for name, value in shown if value not in ("", "-")]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in shown)


def _cell(value: Any, limit: int | None = WIDTH) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    # What comes from handsets and SMSCs must not steer a terminal.
    text = "".join(one if one.isprintable() else " " for one in str(value))
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).isdecimal()
