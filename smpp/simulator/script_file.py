"""Scripts in TOML; what is wrong with one is said by file, key, value and expectation."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from smpp.errors import ScriptError
from smpp.simulator.script import Script

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
    try:
        return msgspec.convert(document, Script, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(document, file, str(error)) from error


def _explained(document: dict[str, Any], file: str, text: str) -> ScriptError:
    where = _WHERE.search(text)
    said = text[: where.start()] if where else text
    key, value = _look_up(document, where["path"] if where else "")
    unknown = _UNKNOWN.match(said)
    if unknown:
        field = unknown["field"]
        shown = value.get(field, "") if isinstance(value, dict) else ""
        return ScriptError(file, f"{key}.{field}".lstrip("."), repr(shown), "a key that exists: this one does not")
    return ScriptError(file, key, repr(value), said.replace("`", ""))


def _look_up(document: object, path: str) -> tuple[str, object]:
    """The key as a person writes it, and its value."""
    key, value = "", document
    for step in _STEP.finditer(path):
        if step["index"] is not None:
            number = int(step["index"])
            key += f"[{number}]"
            value = value[number] if isinstance(value, list) and number < len(value) else value
        elif step["key"] == "...":
            key += ".*"
        else:
            key += f".{step['key']}"
            value = value.get(step["key"], value) if isinstance(value, dict) else value
    return key.lstrip("."), value
