"""`smpp decode`: hex, pcap and pcapng to annotated dumps or JSON."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from smpp.constants import HEADER_LENGTH
from smpp.errors import DecodeError
from smpp.tools.capture import Captured, read_file, read_hex, read_hex_lines
from smpp.tools.dump import dump
from smpp.tools.packets import CaptureError
from smpp.tools.pdu_json import holds_password, pdus_in, to_json
from smpp.wire import TlvProfile, dlt
from smpp.wire import decode as decode_pdu
from smpp.wire.tlv import STANDARD

ALPHABETS = ("gsm", "gsm-packed", "latin1", "ascii", "cp1252", "utf-8")
PROFILES: dict[str, TlvProfile] = {"standard": STANDARD, "dlt": dlt.PROFILE}


@click.command()
@click.argument("sources", nargs=-1, metavar="[HEX ... | - | FILE]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each PDU.")
@click.option("--lenient", is_flag=True, help="Read requests as a tolerant peer does, not as a strict SMSC.")
@click.option(
    "--profile", type=click.Choice(list(PROFILES)), default="standard", show_default=True, help="Names of vendor TLVs."
)
@click.option(
    "--alphabet",
    type=click.Choice(ALPHABETS),
    default="gsm",
    show_default=True,
    help="What data_coding 0 means at this SMSC.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Read the connections of a capture with this port only.")
@click.option(
    "--show-secrets/--mask-secrets",
    default=None,
    help="Show passwords or mask them. Dumps mask them and JSON shows them unless told otherwise.",
)
def decode(
    sources: tuple[str, ...],
    as_json: bool,
    lenient: bool,
    profile: str,
    alphabet: str,
    port: int | None,
    show_secrets: bool | None,
) -> None:
    """Show what PDUs say.

    HEX is a PDU, or several that follow each other; blanks and colons are ignored. "-" reads one from each line of
    the standard input. FILE is a pcap or pcapng capture, or a text with a PDU on each line.

    Without --json, each PDU is an annotated dump: offset, octets, name, value and what it means, section of the
    specification. The exit code is 2 if a PDU cannot be decoded.

    With --json, each PDU is one object on one line, which "smpp encode --json -" turns into the same octets again:

    \b
      {"command": "submit_sm", "command_status": 0, "sequence_number": 1,
       "fields": {...}, "tlvs": [{"tag": 5120, "name": "", "value": "<hex>"}], "hex": "<whole PDU>"}
      {"error": "...", "command_status": <what an SMSC answers>, "fatal": <is framing lost?>, "hex": "..."}

    Passwords: a dump shows *** for the password of a bind and for its octets. JSON has to encode back to the same PDU,
    so it shows the password, in its field and in "hex", and says so on the standard error; with --mask-secrets
    both are masked, and "smpp encode" refuses the object.
    """
    if not sources:
        raise click.UsageError('Give PDUs in hex, a capture file, or "-" for the standard input.')
    masked = not as_json if show_secrets is None else not show_secrets
    tlv_profile = PROFILES[profile]
    undecodable, passwords, first_fault = 0, False, ""
    try:
        for captured in _pdus(sources, port):
            if as_json:
                item = to_json(captured.octets, strict=not lenient, profile=tlv_profile, mask_secrets=masked)
                click.echo(msgspec.json.encode(_with_origin(item, captured)))
                passwords = passwords or (not masked and holds_password(captured.octets))
                continue
            for line in _heading(captured):
                click.echo(line)
            for line in dump(
                captured.octets,
                strict=not lenient,
                profile=tlv_profile,
                default_alphabet=alphabet,
                show_secrets=not masked,
            ):
                click.echo(line)
            click.echo()
            fault = captured.note or _fault_of(captured.octets, strict=not lenient)
            undecodable += bool(fault)
            first_fault = first_fault or fault
    except CaptureError as error:
        _fail(str(error))
    if passwords and show_secrets is None:
        click.echo("smpp decode: the output holds a password; --mask-secrets hides it", err=True)
    if undecodable:
        _fail(f"{undecodable} PDU{'s' * (undecodable > 1)} cannot be decoded: {first_fault}")


def _pdus(sources: tuple[str, ...], port: int | None) -> Iterator[Captured]:
    row: list[bytes] = []
    for source in sources:
        octets = _octets_of(source)
        if octets is not None:
            row.append(octets)
            continue
        yield from _in_row(row)
        row = []
        if source == "-":
            for pdu in read_hex_lines(line.decode("ascii", "replace") for line in sys.stdin.buffer):
                yield from _captured(pdu)
        else:
            for captured in read_file(Path(source), port=port):
                yield from [captured] if captured.source else _captured(captured.octets)
    yield from _in_row(row)


def _octets_of(source: str) -> bytes | None:
    """An argument in hex; None where it names a file or the standard input."""
    if source == "-":
        return None
    try:
        return read_hex(source)
    except CaptureError as error:
        if _is_file(source):
            return None
        raise CaptureError(f"{str(error).removesuffix('no hex')}neither hex nor a file") from None


def _in_row(row: list[bytes]) -> Iterator[Captured]:
    """Arguments in hex: each a PDU, or all of them together, as pasted from elsewhere with blanks between octets."""
    joined = b"".join(row)
    if pdus_in(joined) != [joined] or _is_whole(joined):
        row = [joined]
    for octets in row:
        yield from _captured(octets)


def _is_whole(octets: bytes) -> bool:
    return len(octets) >= HEADER_LENGTH and int.from_bytes(octets[:4]) == len(octets)


def _captured(octets: bytes) -> Iterator[Captured]:
    for pdu in pdus_in(octets):
        yield Captured(pdu, "", "", None)


def _is_file(source: str) -> bool:
    try:
        return Path(source).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _with_origin(item: dict[str, object], captured: Captured) -> dict[str, object]:
    """Where a capture's PDU came from goes into the object too; encode ignores it."""
    if captured.source:
        item |= {"source": captured.source, "destination": captured.destination}
    if captured.time:
        item["time"] = captured.time.isoformat()
    if captured.note:
        item |= {"error": captured.note, "fatal": True}
    return item


def _heading(captured: Captured) -> Iterator[str]:
    if captured.source:
        time = f"{captured.time:%Y-%m-%d %H:%M:%S.%f} " if captured.time else ""
        yield f"{time}{captured.source} > {captured.destination}"
    if captured.note:
        yield f"stream: {captured.note}"


def _fault_of(octets: bytes, *, strict: bool) -> str:
    try:
        decode_pdu(octets, strict=strict)
    except DecodeError as error:
        return str(error)
    return ""


def _fail(text: str) -> None:
    click.echo(f"smpp decode: {text}", err=True)
    sys.exit(2)
