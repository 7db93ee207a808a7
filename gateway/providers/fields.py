"""One row for every field of a provider's call: what it takes, where its document says so."""

from typing import Any, Final, Literal, NamedTuple

Kind = Literal["text", "whole", "flag", "number", "url", "hex", "time", "list", "objects"]

_SHAPES: Final[dict[Kind, dict[str, Any]]] = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "flag": {"type": "boolean"},
    "number": {"type": "string", "pattern": r"^\+?[0-9]{8,15}$"},
    "url": {"type": "string", "pattern": r"^https?://[a-z0-9.-]+(/[a-z0-9.-]*)*$"},
    "hex": {"type": "string", "pattern": r"^([0-9A-Fa-f]{2})+$"},
    "time": {
        "type": "string",
        "pattern": r"^20[2-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]) [01][0-9]:[0-5][0-9]:[0-5][0-9]$",
    },
    "list": {"type": "array", "items": {"type": "string"}},
    "objects": {"type": "array", "items": {"type": "object"}},
}


class Field(NamedTuple):
    """One field."""

    name: str
    kind: Kind = "text"
    is_required: bool = False
    note: str = ""
    allowed: tuple[str | int, ...] = ()
    """Empty: whatever the kind lets through."""
    low: int | None = None
    """Of whole numbers; of other kinds, the shortest."""
    high: int | None = None

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        made = dict(_SHAPES[self.kind])
        if self.allowed:
            made["enum"] = list(self.allowed)
        is_long = self.kind in ("list", "objects")
        low, high = ("minItems", "maxItems") if is_long else ("minLength", "maxLength")
        if self.kind == "whole":
            low, high = "minimum", "maximum"
        if self.low is not None:
            made[low] = self.low
        if self.high is not None:
            made[high] = self.high
        return made
