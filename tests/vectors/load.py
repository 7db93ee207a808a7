"""Rows of the vector files beside this module."""

import json
from functools import cache
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_HERE = Path(__file__).parent


@cache
def conformance_rows() -> tuple[Row, ...]:
    """The PDUs that other implementations wrote."""
    return _rows(_HERE / "conformance")


@cache
def malformed_rows(*families: str) -> tuple[Row, ...]:
    """Inputs with a fault or an oddity, of these families (default: all)."""
    rows = _rows(_HERE / "conformance" / "malformed")
    return tuple(row for row in rows if not families or row["family"] in families)


@cache
def reference(name: str) -> Any:
    """A table of the specification: "commands", "status", "tlvs" or "time_format"."""
    return json.loads((_HERE / "reference" / f"{name}.json").read_text(encoding="utf-8"))


def _rows(folder: Path) -> tuple[Row, ...]:
    return tuple(
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    )
