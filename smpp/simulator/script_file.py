"""Scripts in TOML; what is wrong with one is said by file, key, value and expectation."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from smpp.errors import ScriptError
from smpp.simulator.script import BadValue, Script

_WHERE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`\Z")
_STEP: Final = re.compile(r"\.?(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")


def load_script(path: str | Path) -> Script:
    """Read a script from a TOML file.

    Raises:
        ScriptError: it cannot be read, or holds what no script may hold.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(str(path), "", "", f"a readable TOML file ({error})") from error
    return parse_script(text, str(path))


def parse_script(text: str, file: str = "<script>") -> Script:
    """Read a script from TOML text.

    Raises:
        ScriptError: it holds what no script may hold.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScriptError(file, "", "", f"TOML ({error})") from error
    return to_script(document, file)


def to_script(document: dict[str, Any], file: str) -> Script:
    """Make a script of what a file or a caller says.

    Raises:
        ScriptError: it holds what no script may hold.
    """
    try:
        return msgspec.convert(document, Script, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(document, file, error) from error


def _explained(document: dict[str, Any], file: str, error: msgspec.ValidationError) -> ScriptError:
    text = str(error)
    where = _WHERE.search(text)
    said = text[: where.start()] if where else text
    key, value, kind = _look_up(document, where["path"] if where else "")
    cause, unknown = error.__cause__, _UNKNOWN.match(said)
    if isinstance(cause, BadValue):
        return ScriptError(file, f"{key}.{cause.key}".lstrip("."), repr(cause.value), cause.expected)
    if unknown:
        field = unknown["field"]
        shown = value.get(field) if isinstance(value, dict) else value
        return ScriptError(file, f"{key}.{field}".lstrip("."), repr(shown), "a key that exists: this one does not")
    if isinstance(kind, inspect.LiteralType):
        return ScriptError(file, key, repr(value), f"one of {', '.join(repr(choice) for choice in kind.values)}")
    expected = said.replace("`", "").removeprefix("Expected ").replace(", got ", ", not ")
    return ScriptError(file, key, repr(value), expected)


def _look_up(document: object, path: str) -> tuple[str, object, inspect.Type]:
    """The key as a person writes it, its value, and what it should be."""
    key, value, kind = "", document, inspect.type_info(Script)
    for step in _STEP.finditer(path):
        name, index = step["key"], step["index"]
        kind = _inside(kind, name)
        if index is not None:
            key += f"[{index}]"
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else value
        else:
            key += ".*" if name == "..." else f".{name}"
            value = value.get(name, value) if isinstance(value, dict) else value
    return key.lstrip("."), value, kind


def _inside(kind: inspect.Type, name: str | None) -> inspect.Type:
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == name), kind)
    return kind.item_type if isinstance(kind, inspect.VarTupleType) else kind
