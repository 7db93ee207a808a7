"""TLVs on the command line: `0x1400=31313031` or `user_message_reference=7`."""

import click

from smpp.errors import EncodeError
from smpp.wire import Tlv, TlvProfile, Tlvs, dlt
from smpp.wire.tlv import MAX_TAG, MAX_VALUE_LENGTH

EXPECTED = "tag=hex (0x1400=6162) or name=value (user_message_reference=7)"


def read_tlvs(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> Tlvs:
    """The TLVs that an option names, as click's callback.

    Raises:
        click.BadParameter: one of them cannot be.
    """
    return Tlvs(read_tlv(value) for value in values)


def read_tlv(text: str, profile: TlvProfile = dlt.PROFILE) -> Tlv:
    """One TLV, by number or by a name of the profile.

    Raises:
        click.BadParameter: it cannot be.
    """
    name, separator, content = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r}: expected {EXPECTED}")
    try:
        tag = int(name, 0)
    except ValueError:
        return _by_name(name, content, profile)
    if not 0 <= tag <= MAX_TAG:
        raise click.BadParameter(f"{name}: expected a tag of 0 to 0xFFFF")
    octets = _from_hex(name, content)
    if len(octets) > MAX_VALUE_LENGTH:
        raise click.BadParameter(f"{name}: expected at most {MAX_VALUE_LENGTH} octets, not {len(octets)}")
    return tag, octets


def _by_name(name: str, content: str, profile: TlvProfile) -> Tlv:
    declared = profile.by_name.get(name)
    if declared is None:
        raise click.BadParameter(f"{name!r} is no TLV's name: expected {EXPECTED}")
    value: int | str | bytes
    if declared.kind == "text":
        value = content
    elif declared.kind == "integer":
        try:
            value = int(content, 0)
        except ValueError:
            raise click.BadParameter(f"{name}={content}: expected a number") from None
    else:
        value = _from_hex(name, content)
    try:
        return declared(value)  # type: ignore[arg-type]
    except EncodeError as error:
        raise click.BadParameter(str(error)) from None


def _from_hex(name: str, content: str) -> bytes:
    try:
        return bytes.fromhex(content)
    except ValueError:
        raise click.BadParameter(f"{name}={content}: expected hex") from None
