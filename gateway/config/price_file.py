"""A file of prices: CSV, whose head names the columns."""

import csv
from pathlib import Path
from typing import Final

import msgspec

from gateway.config.billing import PriceConfig

_COLUMNS: Final = frozenset(PriceConfig.__struct_fields__)


def read_prices(path: str | Path) -> list[PriceConfig]:
    """The rows of a CSV file of prices.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is not as it has to be; the text says which.
    """
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, restkey="(more)")
        columns = [name.strip() for name in reader.fieldnames or ()]
        if "amount" not in columns or not _COLUMNS.issuperset(columns):
            raise ValueError(f"the head must name columns of {', '.join(sorted(_COLUMNS))}, amount among them")
        rows = []
        for line in reader:
            cells = {name.strip(): value.strip() for name, value in line.items() if isinstance(value, str)}
            try:
                rows.append(msgspec.convert(cells, PriceConfig, strict=False))
            except msgspec.ValidationError as error:
                raise ValueError(f"line {reader.line_num}: {error}") from None
    return rows
