"""How settings are declared, read and shown: one declaration per key gives its type, range, default, unit and meaning.

A group of settings is a `msgspec.Struct`; a key is a field annotated with `setting(...)`. `decode` turns parsed TOML
into such a struct and names the full dotted key in every error; `example` prints the same declarations as a
commented file.
"""

import os
import types
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from gateway.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)

MASK: Final = "•••"


class Secret:
    """Text that never shows itself: `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})" if self._value else "Secret('')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def setting(meaning: str, *, unit: str = "", sample: object = None, **limits: Any) -> msgspec.Meta:
    """Declare a key.

    Args:
        meaning: what it does, for people.
        unit: of a number.
        sample: what the example file says where the default would say nothing.
        limits: ge, le, min_length, max_length, pattern.
    """
    return msgspec.Meta(description=meaning, extra={"unit": unit, "sample": sample}, **limits)


# --- reading ---


def decode(kind: type[T], table: object, *, file: str, key: str = "") -> T:
    """Make a group of settings of a parsed TOML table.

    Raises:
        ConfigError: names the key, the value (never a secret) and what was expected.
    """
    if not isinstance(table, dict):
        raise ConfigError(file, key, table, "a table")
    hints = get_type_hints(kind, include_extras=True)
    for name in table:
        if name not in hints:
            # The value is left out: a misspelt key may well hold a secret.
            raise ConfigError(file, _join(key, name), None, "no such key here; known are " + ", ".join(hints))
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        path = _join(key, field.name)
        if field.name in table:
            values[field.name] = _value(hints[field.name], table[field.name], file, path)
        elif field.required:
            raise ConfigError(file, path, None, _expectation(hints[field.name]) + "; it is required")
    return kind(**values)


def _value(hint: Any, value: object, file: str, key: str) -> Any:
    bare = _bare(hint)
    if bare is Secret:
        return _secret(value, file, key)
    if _is_group(bare):
        return decode(bare, value, file=file, key=key)
    origin = get_origin(bare)
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(file, key, value, "a table of tables")
        (name_hint, item_hint) = get_args(bare)
        items = {}
        for name, item in value.items():
            _value(name_hint, name, file, _join(key, name))
            items[name] = _value(item_hint, item, file, _join(key, name))
        return items
    if origin is tuple:
        return _items(hint, get_args(bare)[0], value, file, key)
    try:
        return msgspec.convert(value, hint, strict=True)
    except msgspec.ValidationError:
        raise ConfigError(file, key, value, _expectation(hint)) from None


def _items(hint: Any, item_hint: Any, value: object, file: str, key: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        shown = None if _bare(item_hint) is Secret else value
        raise ConfigError(file, key, shown, "a list, each item " + _expectation(item_hint))
    items = tuple(_value(item_hint, item, file, f"{key}[{at}]") for at, item in enumerate(value))
    least = _meta(hint).min_length
    if least is not None and len(items) < least:
        raise ConfigError(file, key, value, f"at least {least} of: {_expectation(item_hint)}")
    return items


def _secret(value: object, file: str, key: str) -> Secret:
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, dict) and len(value) == 1:
        ((source, name),) = value.items()
        if source == "env" and isinstance(name, str):
            found = os.environ.get(name)
            if not found:
                raise ConfigError(file, f"{key}.env", name, "the name of an environment variable that is set")
            return Secret(found)
        if source == "file" and isinstance(name, str):
            try:
                return Secret(Path(name).read_text(encoding="utf-8").rstrip("\r\n"))
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not UTF-8 text"
                raise ConfigError(file, f"{key}.file", name, f"a file that can be read ({reason})") from None
    raise ConfigError(file, key, None, 'text, { env = "NAME" } or { file = "path" }')


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _bare(hint: Any) -> Any:
    """The type without its annotations and without `| None`."""
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        (first, *_) = (item for item in get_args(hint) if item is not type(None))
        return _bare(first)
    return hint


def _meta(hint: Any) -> msgspec.Meta:
    if get_origin(hint) is Annotated:
        for item in get_args(hint)[1:]:
            if isinstance(item, msgspec.Meta):
                return item
    return msgspec.Meta()


def _is_group(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, msgspec.Struct)


def _expectation(hint: Any) -> str:
    bare, meta = _bare(hint), _meta(hint)
    if bare is Secret:
        return 'text, { env = "NAME" } or { file = "path" }'
    if get_origin(bare) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(bare))
    if get_origin(bare) is tuple:
        return "a list, each item " + _expectation(get_args(bare)[0])
    if get_origin(bare) is dict or _is_group(bare):
        return "a table"
    if bare is bool:
        return "true or false"
    if bare in (int, float):
        return _number_expectation(bare, meta)
    text = "text"
    if meta.pattern is not None:
        text += f" of the form {meta.pattern}"
    if meta.min_length is not None:
        text += f", at least {meta.min_length} characters"
    if meta.max_length is not None:
        text += f", at most {meta.max_length} characters"
    return text


def _number_expectation(bare: type, meta: msgspec.Meta) -> str:
    text = "a whole number" if bare is int else "a number"
    if meta.ge is not None and meta.le is not None:
        text += f" from {meta.ge} to {meta.le}"
    elif meta.ge is not None:
        text += f" of at least {meta.ge}"
    unit = (meta.extra or {}).get("unit")
    return f"{text} ({unit})" if unit else text


# --- showing ---

SAMPLE_NAME: Final = "example"


def example(kind: type[msgspec.Struct]) -> str:
    """A commented TOML file of every setting, with the defaults; `decode` takes it back."""
    return "\n".join(_table_lines(kind, "")).strip() + "\n"


def _table_lines(kind: type[msgspec.Struct], key: str) -> list[str]:
    lines: list[str] = []
    tables: list[str] = []
    for field in msgspec.structs.fields(kind):
        hint = get_type_hints(kind, include_extras=True)[field.name]
        path = _join(key, field.name)
        bare = _bare(hint)
        if _is_group(bare):
            tables += _section(f"[{path}]", bare, path, hint)
        elif get_origin(bare) is dict:
            path = _join(path, SAMPLE_NAME)
            tables += _section(f"[{path}]", _bare(get_args(bare)[1]), path, hint)
        elif get_origin(bare) is tuple and _is_group(_bare(get_args(bare)[0])):
            tables += _section(f"[[{path}]]", _bare(get_args(bare)[0]), path, hint)
        else:
            lines += _key_lines(field, hint)
    return lines + tables


def _section(header: str, kind: type[msgspec.Struct], path: str, hint: Any) -> list[str]:
    meaning = _meta(hint).description or (kind.__doc__ or "").strip().splitlines()[0]
    return ["", f"# {meaning}", header, *_table_lines(kind, path)]


def _key_lines(field: msgspec.structs.FieldInfo, hint: Any) -> list[str]:
    meta = _meta(hint)
    extra = meta.extra or {}
    default = field.default if field.default is not msgspec.NODEFAULT else None
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    sample = extra.get("sample")
    shown = default if sample is None else sample
    notes = [_expectation(hint)]
    notes.append("required" if field.required else f"default {_toml(default)}")
    return [f"# {meta.description}", f"#   {'; '.join(notes)}", f"{field.name} = {_toml(shown)}"]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, Secret):
        return '""'
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
