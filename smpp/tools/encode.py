"""`smpp encode`: JSON objects to hex."""

import sys
from typing import BinaryIO, NoReturn

import click
import msgspec

from smpp.errors import EncodeError
from smpp.tools.pdu_json import from_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The input is one JSON object on each line.", required=True)
@click.argument("source", type=click.File("rb"), metavar="- | FILE")
def encode(as_json: bool, source: BinaryIO) -> None:
    """Write PDUs as hex, one a line, from the objects that "smpp decode --json" prints.

    "-" reads the standard input. Of an object these keys are read: command; command_status (0 if it is left out);
    sequence_number (1 if it is left out); fields, by the names of the specification, octets in hex; tlvs, with tag and
    value each. A request's field that is left out has its default, a response's is not written. sm_length,
    number_of_dests and no_unsuccess are computed. What the specification forbids is refused: the exit code is 2, and
    the line on the standard error names PDU, field, limit and value.
    """
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            click.echo(from_json(msgspec.json.decode(line)).hex())
        except msgspec.DecodeError as error:
            _fail(number, f"no JSON: {error}")
        except EncodeError as error:
            _fail(number, str(error))


def _fail(number: int, reason: str) -> NoReturn:
    click.echo(f"smpp encode: line {number}: {reason}", err=True)
    sys.exit(2)
