"""`smpp listen`: prints what an SMSC delivers."""

import asyncio
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from smpp.client import ClientConfig, connect
from smpp.constants import BindMode
from smpp.errors import ConnectionLost, InvalidUrl
from smpp.status import CommandStatus
from smpp.tools.connecting import connection_options, find_password, parse_url, run, stop_on_signal, tls_of
from smpp.tools.decode import ALPHABETS
from smpp.tools.messages import message_line, message_object
from smpp.wire.pdu import DataSm, DeliverSm

KEPT = (
    "smpp listen: everything is answered 0x64 (temporary error), so that the SMSC keeps it for those it is meant for;"
    " --accept takes it"
)
TAKEN = (
    "smpp listen: --accept takes messages and receipts from the SMSC for good: whoever they are meant for will not get"
    " those that come here"
)


@click.command()
@click.argument("url")
@click.option("--accept", is_flag=True, help="Take what comes: the SMSC will not send it to anybody else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each message.")
@click.option("--count", type=click.IntRange(1), help="End after so many messages.")
@click.option(
    "--alphabet",
    type=click.Choice(ALPHABETS),
    default="gsm",
    show_default=True,
    help="What data_coding 0 means at this SMSC.",
)
@connection_options
def listen(
    url: str,
    accept: bool,
    as_json: bool,
    count: int | None,
    alphabet: str,
    password_file: Path | None,
    ca_file: Path | None,
    server_name: str,
) -> None:
    """Print messages and receipts as they come, until Ctrl-C.

    URL is smpp[s]://system_id[:password]@host:port?bind=rx (or trx).

    What comes is answered with a temporary error unless --accept is given: a receipt that this tool swallowed would
    be missed by the program it is meant for. SMSCs send such messages again later; some hold up all others of the
    account until then, so do not leave it running on a live account.
    """
    run("listen", _listen(url, accept, as_json, count, alphabet, password_file, ca_file, server_name))


async def _listen(
    url: str,
    accept: bool,
    as_json: bool,
    count: int | None,
    alphabet: str,
    password_file: Path | None,
    ca_file: Path | None,
    server_name: str,
) -> int:
    endpoint = parse_url(url)
    if endpoint.bind_mode is BindMode.TRANSMITTER:
        raise InvalidUrl("a transmitter receives nothing; expected bind=rx or bind=trx in the URL")
    asked = stop_on_signal()
    left = [count if count is not None else -1]
    status = CommandStatus.ESME_ROK if accept else CommandStatus.ESME_RX_T_APPN

    def show(message: DeliverSm | DataSm) -> int:
        if left[0] == 0:
            return CommandStatus.ESME_RX_T_APPN  # one too many: for somebody else
        if as_json:
            click.echo(msgspec.json.encode(message_object(message, alphabet)))
        else:
            click.echo(message_line(message, alphabet))
        left[0] -= 1
        if left[0] == 0:
            asked.set()
        return status

    client = connect(
        url,
        password=find_password(url, password_file),
        on_deliver=show,
        config=replace(ClientConfig(default_alphabet=alphabet), server_hostname=server_name or None),
        ssl_context=tls_of(endpoint, ca_file),
    )
    click.echo(TAKEN if accept else KEPT, err=True)
    async with client:
        click.echo(f"smpp listen: bound to {endpoint.name} as {endpoint.bind_mode.value}", err=True)
        stopping = asyncio.ensure_future(asked.wait())
        await asyncio.wait((stopping, client.closed), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not asked.is_set():
            raise ConnectionLost(f"{endpoint.name}: {client.closed.result()}")
    return 0
