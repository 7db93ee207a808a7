"""What msgspec and the JSON reader say, in the API's words: which field, and what was expected of it."""

import re
from typing import Final

import msgspec

from gateway.web.errors import ApiError

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PLACE: Final = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<path>[^`]*)`$", re.DOTALL)
_QUOTED: Final = re.compile(r"`([^`]*)`")
_LENGTH: Final = re.compile(r"of length <= (\d+)")


def of_json(error: Exception) -> ApiError:
    """The error of the API for one of UNREADABLE."""
    if isinstance(error, RecursionError):
        return ApiError(400, "malformed_json", "the JSON is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return ApiError(400, "malformed_json", "the body is not UTF-8")
    if not isinstance(error, msgspec.ValidationError):
        # Says where: "JSON is malformed: invalid character (byte 12)".
        return ApiError(400, "malformed_json", str(error))
    text = str(error)
    place = _PLACE.match(text)
    what, path = (place["what"], place["path"]) if place is not None else (text, "")
    named = _QUOTED.search(what)
    name = named[1] if named is not None else ""
    if what.startswith("Object missing required field"):
        return ApiError(400, "missing_field", f"the field {name} is missing", _join(path, name))
    if what.startswith("Object contains unknown field"):
        return ApiError(400, "unknown_field", f"there is no field {name}", _join(path, name))
    length = _LENGTH.search(what)
    if length is not None:
        return ApiError(400, "too_long", f"at most {length[1]} characters or items", path)
    if what.startswith("Expected `int` "):
        return ApiError(400, "out_of_range", f"expected a number {what.removeprefix('Expected `int` ')}", path)
    if what.startswith("Expected") and "got" in what:
        return ApiError(400, "wrong_type", what.replace("`", ""), path)
    return ApiError(400, "invalid_value", what.replace("`", ""), path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
