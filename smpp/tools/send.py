"""`smpp send`: sends one text and shows what becomes of it; with --csv, the rows of a file (smpp.tools.send_csv)."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import randbelow

import click
import msgspec

from smpp.client import Client, ClientConfig, compose, connect
from smpp.constants import BindMode
from smpp.correlator import IdRule, Side, addresses_agree, canonical_ids
from smpp.endpoint import Endpoint
from smpp.errors import CommandFailed, EncodeError, InvalidUrl, RequestLost, StateError
from smpp.profiles import PROFILES
from smpp.receipts import receipt_of
from smpp.sms import Receipt, SplitMethod, SplitOptions
from smpp.status import CommandStatus
from smpp.tools.connecting import connection_options, find_password, parse_url, run, tls_of
from smpp.tools.csv_input import Defaults
from smpp.tools.decode import ALPHABETS
from smpp.tools.messages import Shown, receipt_line, receipt_object
from smpp.tools.send_csv import CsvJob, send_csv
from smpp.tools.tlv_option import read_tlvs
from smpp.wire import Tlvs
from smpp.wire.pdu import DataSm, DeliverSm, SubmitSm


@click.command()
@click.argument("url")
@click.argument("text", required=False)
@click.option("--from", "sender", help="Sender: a name, a short code or a number.")
@click.option("--to", help="Recipient.")
@click.option(
    "--tlv",
    "tlvs",
    multiple=True,
    callback=read_tlvs,
    metavar="TAG=HEX|NAME=VALUE",
    help="Add a TLV: 0x1400=<hex>, or by name: user_message_reference=7, PE_ID=1101.",
)
@click.option("--no-receipt", is_flag=True, help="Ask for no delivery receipt.")
@click.option(
    "--wait", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds to wait for the receipts."
)
@click.option("--validity", type=click.FloatRange(1), help="Seconds that the SMSC shall try.")
@click.option("--service-type", default="", help="service_type of the message.")
@click.option(
    "--long",
    "method",
    type=click.Choice([method.value for method in SplitMethod]),
    help="How a long message is split. [default: udh8, or the profile's]",
)
@click.option(
    "--alphabet",
    type=click.Choice(ALPHABETS),
    help="What data_coding 0 means at this SMSC. [default: gsm, or the profile's]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path),
    help="Send the rows of this file: columns to, from, text, and TLVs by name or number.",
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Most parts a second in all (--csv).")
@click.option("--binds", type=click.IntRange(1), help="Binds to each server (--csv). [default: 1, or the profile's]")
@click.option("--server", "others", multiple=True, metavar="URL", help="Another server of the same SMSC (--csv).")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="What became of each row; a second run goes on from there (--csv). [default: FILE.results.csv]",
)
@click.option("--profile", "profile_name", type=click.Choice(list(PROFILES)), help="What the SMSC is like (--csv).")
@click.option("--resend-in-doubt", is_flag=True, help="Send rows again whose response was lost (--csv).")
@connection_options
def send(
    url: str,
    text: str | None,
    sender: str | None,
    to: str | None,
    tlvs: Tlvs,
    no_receipt: bool,
    wait: float,
    validity: float | None,
    service_type: str,
    method: str | None,
    alphabet: str | None,
    as_json: bool,
    csv_file: Path | None,
    rate: float | None,
    binds: int | None,
    others: tuple[str, ...],
    results: Path | None,
    profile_name: str | None,
    resend_in_doubt: bool,
    password_file: Path | None,
    ca_file: Path | None,
    server_name: str,
) -> None:
    """Send TEXT, or the rows of a CSV file, and wait for the receipts.

    URL is smpp[s]://system_id[:password]@host:port?bind=trx&window=100. A transmitter (bind=tx) gets no receipts.

    Receipts and messages that are not about what was sent are answered 0x64 (temporary error), so that the SMSC keeps
    them for the program they are meant for.

    With --csv, --from and TEXT are for rows that have none of their own, --tlv for all rows. The results file is
    written as outcomes come: after Ctrl-C, or worse, the same command sends what was surely not sent and leaves out
    what was accepted. A row whose response was lost is in doubt, and sent again only with --resend-in-doubt.

    The exit code is 0 when the SMSC took every part, whatever the receipts say; 1 when it refused the bind or a part,
    or could not be reached; 2 for input that makes no sense.
    """
    wait = wait if not no_receipt else 0.0
    coding: SplitOptions = {}
    if method is not None:
        coding["method"] = method
    if alphabet is not None:
        coding["default_alphabet"] = alphabet
    if csv_file is not None:
        if to is not None:
            raise click.UsageError("--to and --csv exclude each other: the file says who gets what.")
        send_csv(
            CsvJob(
                url=url,
                others=others,
                path=csv_file,
                results=results or csv_file.with_suffix(".results.csv"),
                defaults=Defaults(sender or "", text or "", tlvs),
                profile=PROFILES[profile_name] if profile_name is not None else None,
                coding=coding,
                receipt=not no_receipt,
                wait=wait,
                validity=validity,
                service_type=service_type,
                rate=rate,
                binds=binds,
                resend_in_doubt=resend_in_doubt,
                as_json=as_json,
                password_file=password_file,
                ca_file=ca_file,
                server_name=server_name,
            )
        )
    if rate or binds or others or results or profile_name or resend_in_doubt:
        raise click.UsageError("--rate, --binds, --server, --results, --profile and --resend-in-doubt need --csv.")
    if text is None:
        raise click.UsageError("Missing argument 'TEXT' (or --csv FILE).")
    if sender is None or to is None:
        raise click.UsageError(f"Missing option '{'--from' if sender is None else '--to'}'.")
    coding = {"method": SplitMethod.UDH8.value, "default_alphabet": "gsm", **coding}
    job = _Job(url, sender, to, text, not no_receipt, wait, as_json)
    run("send", _send(job, tlvs, validity, service_type, coding, password_file, ca_file, server_name))


@dataclass(slots=True)
class _Part:
    """One part of the message."""

    number: int
    message_id: str = ""
    error: str = ""
    receipts: list[Receipt] = field(default_factory=list)
    is_final: bool = False


@dataclass(slots=True)
class _Job:
    """What is to be done, and what came of it so far."""

    url: str
    sender: str
    to: str
    text: str
    receipt: bool
    wait: float
    as_json: bool
    parts: list[_Part] = field(default_factory=list)
    by_key: dict[str, _Part] = field(default_factory=dict)
    all_final: asyncio.Event = field(default_factory=asyncio.Event)
    failed: Exception | None = None

    def accepted(self, part: _Part, message_id: str) -> None:
        """The SMSC took a part."""
        part.message_id = message_id
        for key in canonical_ids(IdRule.AUTO, message_id, Side.RESPONSE):
            self.by_key[key] = part
        self.say(f"part {part.number} of {len(self.parts)}: id {message_id or '(none)'}")

    def deliver(self, message: DeliverSm | DataSm) -> int:
        """Take a receipt that is ours; leave the rest to the SMSC."""
        receipt = receipt_of(message)
        part = self._part_of(receipt, message) if receipt is not None else None
        if receipt is None or part is None:
            return CommandStatus.ESME_RX_T_APPN
        part.receipts.append(receipt)
        part.is_final = part.is_final or receipt.is_final
        self.say(f"receipt for part {part.number}: {receipt_line(receipt)}")
        if all(part.is_final for part in self.parts):
            self.all_final.set()
        return CommandStatus.ESME_ROK

    def say(self, line: str) -> None:
        """One line, unless all is said in one object at the end."""
        if not self.as_json:
            click.echo(line)

    def shown(self) -> Shown:
        """What came of it, as a JSON object."""
        return {
            "from": self.sender,
            "to": self.to,
            "parts": [
                {
                    "number": part.number,
                    "message_id": part.message_id,
                    "error": part.error or None,
                    "receipts": [receipt_object(receipt) for receipt in part.receipts],
                }
                for part in self.parts
            ],
        }

    def _part_of(self, receipt: Receipt, message: DeliverSm | DataSm) -> _Part | None:
        # Addresses are swapped in a receipt; some SMSCs forget to.
        if not (addresses_agree(message.source_addr, self.to) or addresses_agree(message.destination_addr, self.to)):
            return None
        keys = canonical_ids(IdRule.AUTO, receipt.id, Side.RECEIPT)
        return next((self.by_key[key] for key in keys if key in self.by_key), None)


async def _send(
    job: _Job,
    tlvs: Tlvs,
    validity: float | None,
    service_type: str,
    coding: SplitOptions,
    password_file: Path | None,
    ca_file: Path | None,
    server_name: str,
) -> int:
    endpoint = parse_url(job.url)
    if endpoint.bind_mode is BindMode.RECEIVER:
        raise InvalidUrl("a receiver sends nothing; expected bind=tx or bind=trx in the URL")
    messages = compose(
        sender=job.sender,
        to=job.to,
        text=job.text,
        receipt=job.receipt,
        validity_seconds=validity,
        tlvs=tlvs,
        service_type=service_type,
        # A phone joins parts by this number: two runs in a row must not share it.
        reference=1 + randbelow(0xFFFF),
        coding=coding,
    )
    job.parts = [_Part(number) for number in range(1, len(messages) + 1)]
    client = connect(
        job.url,
        password=find_password(job.url, password_file),
        on_deliver=job.deliver,
        config=replace(ClientConfig(default_alphabet=coding["default_alphabet"]), server_hostname=server_name or None),
        ssl_context=tls_of(endpoint, ca_file),
    )
    async with client:
        await _submit_all(client, job, messages)
        await _wait_for_receipts(client, endpoint, job)
    if job.as_json:
        click.echo(msgspec.json.encode(job.shown()))
    if job.failed is not None:
        raise job.failed
    return 0


async def _submit_all(client: Client, job: _Job, messages: list[SubmitSm]) -> None:
    """Send part by part; the first that is not taken ends it."""
    for part, message in zip(job.parts, messages, strict=True):
        try:
            submission = await client.submit(message)
        except (CommandFailed, RequestLost, StateError, EncodeError) as error:
            part.error, job.failed = str(error), error
            return
        job.accepted(part, submission.message_id)


async def _wait_for_receipts(client: Client, endpoint: Endpoint, job: _Job) -> None:
    if not job.wait or job.failed is not None:
        return
    if not endpoint.bind_mode.can_receive:
        job.say("no receipts here: a transmitter gets none (bind=trx)")
        return
    finished = asyncio.ensure_future(job.all_final.wait())
    await asyncio.wait((finished, client.closed), timeout=job.wait, return_when=asyncio.FIRST_COMPLETED)
    finished.cancel()
    for part in job.parts:
        if not part.is_final:
            job.say(f"no final receipt for part {part.number} within {job.wait:g} s")
