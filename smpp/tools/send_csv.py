"""`smpp send --csv`: sends the rows of a file over a pool of binds, and writes down what becomes of each."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import randbelow
from typing import Final, NoReturn

import click
import msgspec

from smpp.client import compose
from smpp.correlator import IdRule
from smpp.errors import CommandFailed, EncodeError, SmppError, StateError
from smpp.pool import Pool
from smpp.profiles import PROFILES, Profile
from smpp.receipts import Submission
from smpp.sms import Receipt, SplitOptions
from smpp.tools.connecting import BAD_INPUT, REFUSED, fail, run, stop_on_signal
from smpp.tools.csv_input import BadRow, CsvError, CsvInput, Defaults, Message
from smpp.tools.csv_results import ACCEPTED, INVALID, SENDING, Part, Results, ResultsError, Row, Verdict, state_of
from smpp.tools.csv_tally import SHOWN_ROWS, Tally
from smpp.tools.pooling import FirstBind, OwnReceipts, Target, find_target, quiet_log, stop_with
from smpp.tools.progress import Progress, bar
from smpp.wire import dlt
from smpp.wire.pdu import Message as PduMessage
from smpp.wire.pdu import Request, SubmitSm

_ROWS_AT_ONCE: Final = 1000
"""Rows that are passed over before others get a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvJob:
    """What is asked for."""

    url: str
    others: tuple[str, ...]
    """Further servers."""
    path: Path
    results: Path
    defaults: Defaults
    profile: Profile | None
    coding: SplitOptions
    """What the command line says of coding; the rest is the profile's."""
    receipt: bool
    wait: float
    validity: float | None
    service_type: str
    rate: float | None
    binds: int | None
    resend_in_doubt: bool
    as_json: bool
    password_file: Path | None
    ca_file: Path | None
    server_name: str


def send_csv(job: CsvJob) -> NoReturn:
    """Send a file's rows, and exit."""
    profile = job.profile or PROFILES["standard"]
    try:
        source = CsvInput(job.path, job.defaults, dlt.PROFILE if job.profile is None else profile.tlv_profile)
    except CsvError as error:
        fail("send", str(error), BAD_INPUT)
    try:
        results = Results(job.results, job.path)
    except ResultsError as error:
        source.close()
        fail("send", str(error), BAD_INPUT)
    with quiet_log():
        run("send", _send(job, profile, source, results))


async def _send(job: CsvJob, profile: Profile, source: CsvInput, results: Results) -> int:
    try:
        target = _target(job, profile)
        sending = _Sending(job, profile, source, results)
        failure = await sending.run(target)
    except BaseException:
        results.close()
        raise
    finally:
        source.close()
    try:
        results.finish()
    except ResultsError as error:
        failure = failure or error
    summary = sending.tally.summary(str(job.results))
    click.echo(msgspec.json.encode(summary.as_object()) if job.as_json else "\n".join(summary.lines()))
    if isinstance(failure, ResultsError):
        fail("send", str(failure), REFUSED)
    if failure is not None:
        raise failure
    return 0 if summary.is_complete else REFUSED


def _target(job: CsvJob, profile: Profile) -> Target:
    servers = 1 + len(job.others)
    limit = profile.parts_per_second_per_server
    # The rate is that of the whole; a server never gets more than its operator takes.
    rate = min(job.rate / servers, limit or job.rate) if job.rate else limit
    config = profile.pool_config(binds_per_server=job.binds, parts_per_second_per_server=rate)
    alphabet = job.coding.get("default_alphabet", profile.default_alphabet)
    config = replace(
        config, resend_in_doubt=job.resend_in_doubt, client=replace(config.client, default_alphabet=alphabet)
    )
    return find_target(
        job.url,
        job.others,
        config,
        password_file=job.password_file,
        ca_file=job.ca_file,
        server_name=job.server_name,
    )


@dataclass(slots=True, eq=False)
class _Sent:
    """A part that is under way, or whose receipt is waited for."""

    row: Row
    part: Part
    message: SubmitSm | None
    is_final: bool = False


class _Sending:
    """One run."""

    def __init__(self, job: CsvJob, profile: Profile, source: CsvInput, results: Results) -> None:
        self._job = job
        self._profile = profile
        self._source = source
        self._results = results
        self._rows = source.rows()
        self._next: Message | BadRow | None = None
        self._coding: SplitOptions = {**profile.split_options(), **job.coding}
        # A phone joins parts by this number: two files in a row must not share theirs.
        self._reference = randbelow(0xFFFF)
        self._under_way: dict[int, _Sent] = {}
        self._left: dict[Row, int] = {}
        """How many parts of a row have no outcome yet."""
        self._desk: OwnReceipts[_Sent] = OwnReceipts(
            self._accepted,
            self._receipt,
            id_rule=IdRule.AUTO if job.profile is None else profile.message_id_rule,
            default_alphabet=self._coding["default_alphabet"],
        )
        self._pool: Pool | None = None
        self._stopping = asyncio.Event()
        self._all_final = asyncio.Event()
        self._failure: Exception | None = None
        self.tally = Tally()

    # Running

    async def run(self, target: Target) -> Exception | None:
        """Send what is to be sent, and wait for receipts; what ended it before its time."""
        self._stopping = stop_on_signal()
        progress: asyncio.Task[None] | None = None
        try:
            await self._pass_over_known()
            if self._next is None:
                self.tally.is_read = not self._stopping.is_set()
                return None
            can_receive = target.endpoint.bind_mode.can_receive
            if self._job.wait and can_receive:
                await self._expect_earlier()
            first = FirstBind()
            self._pool = pool = target.pool(desk=self._desk, on_change=first.changed, trace=self._passes)
            async with pool:
                stopper = asyncio.ensure_future(stop_with(pool, self._stopping))
                try:
                    if await first.wait(pool, self._stopping):
                        self.tally.begin()
                        progress = asyncio.ensure_future(Progress(self._picture, self._line).run())
                        await self._submit_all(pool)
                        if self._job.wait and can_receive:
                            await self._wait_for_receipts()
                finally:
                    stopper.cancel()
        except (ResultsError, SmppError) as error:
            return error
        finally:
            self.tally.end()
            if progress is not None:
                progress.cancel()
                with suppress(asyncio.CancelledError):
                    await progress
        return self._failure

    async def _submit_all(self, pool: Pool) -> None:
        window = pool.config.client.session.window * len(pool.binds)
        try:
            async for message, outcome in pool.submit_all(self._messages(), concurrency=max(1000, 2 * window)):
                self._settle(message, outcome)
                if self._failure is not None:
                    break
        except StateError:
            if not self._stopping.is_set():
                raise

    async def _wait_for_receipts(self) -> None:
        if self._failure is not None or not self.tally.waiting:
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (self._all_final, self._stopping)]
        await asyncio.wait(waits, timeout=self._job.wait, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    # Rows

    async def _pass_over_known(self) -> None:
        """Read on to the first row that is to be sent."""
        for count, row in enumerate(self._rows, 1):
            if not self._is_known(row):
                self._next = row
                return
            if count % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
                if self._stopping.is_set():
                    return

    def _is_known(self, row: Message | BadRow) -> bool:
        """Count a row that an earlier run brought to the SMSC, or that may be there."""
        verdict = self._results.verdict(row.number)
        if verdict is Verdict.ACCEPTED:
            self.tally.rows["earlier"] += 1
            return True
        if verdict is Verdict.IN_DOUBT and not self._job.resend_in_doubt:
            self.tally.doubt(row.number)
            return True
        return False

    async def _expect_earlier(self) -> None:
        """Receipts of what an earlier run sent may still come."""
        now = asyncio.get_running_loop().time()
        for count, row in enumerate(self._results.waiting(), 1):
            for part in row.parts:
                if part.state == ACCEPTED and part.message_id:
                    self.tally.waiting += 1
                    self._desk.expect(part.message_id, row.to.removeprefix("+"), _Sent(row, part, None), now)
            if count % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _messages(self) -> Iterator[SubmitSm]:
        """The parts of all rows, each when there is room for it."""
        row = self._next
        while row is not None:
            if self._stopping.is_set() or self._failure is not None:
                return
            try:
                yield from self._parts_of(row)
            except ResultsError as error:
                self._failure = error
                return
            row = next((row for row in self._rows if not self._is_known(row)), None)
        self.tally.is_read = True

    def _parts_of(self, source: Message | BadRow) -> Iterator[SubmitSm]:
        row = self._results.begun(source.number) or Row(source.number, source.to, 0)
        if not row.reference:
            row.reference = (self._reference + source.number) % 0xFFFF + 1
        try:
            messages = self._compose(source, row)
        except EncodeError as error:
            self._refuse(row, str(error))
            return
        if not row.parts:
            row.parts = [Part() for _ in messages]
        wanted = [sent for sent in map(_Sent, [row] * len(messages), row.parts, messages) if not sent.part.is_with_smsc]
        row.error = ""
        self._left[row] = len(wanted)
        for sent in wanted:
            assert sent.message is not None  # noqa: S101 - made above
            if self._failure is not None:
                return
            self._under_way[id(sent.message)] = sent
            yield sent.message

    def _passes(self, direction: str, message: PduMessage, _sequence_number: int, _command_status: int) -> None:
        """A PDU is about to be written, or was read: a pool's `trace`.

        That a part leaves is in the file before it does: whoever kills us must find it there.
        """
        if direction == ">" and isinstance(message, SubmitSm):
            sent = self._under_way[id(message)]
            sent.part.move_to(SENDING)
            self._write(sent.row)

    def _compose(self, source: Message | BadRow, row: Row) -> list[SubmitSm]:
        """The PDUs of a row.

        Raises:
            EncodeError: it cannot be sent.
        """
        if isinstance(source, BadRow):
            raise EncodeError(source.reason)
        messages = compose(
            sender=source.sender,
            to=source.to,
            text=source.text,
            receipt=self._job.receipt,
            validity_seconds=self._job.validity,
            tlvs=source.tlvs,
            service_type=self._job.service_type,
            reference=row.reference,
            coding=self._coding,
        )
        for message in messages:
            self._profile.check(message)
        if any(part.is_with_smsc for part in row.parts) and (
            len(row.parts) != len(messages) or not _is_same_number(row.to, source.to)
        ):
            raise EncodeError("is not what an earlier run sent parts of: the file or the options changed")
        return messages

    def _refuse(self, row: Row, reason: str) -> None:
        """A row that cannot be sent: it is told, and the others go on."""
        self.tally.rows[INVALID] += 1
        self.tally.because("bad row")
        if self.tally.rows[INVALID] <= SHOWN_ROWS:
            click.echo(f"{self._source.path}: row {row.number} {reason}", err=True)
        if not any(part.is_with_smsc for part in row.parts):
            row.parts = [Part()]
            row.parts[0].move_to(INVALID)
        row.error = reason
        self._results.write(row)

    # Outcomes

    def _accepted(self, message: Request, message_id: str) -> _Sent | None:
        """The SMSC took a part."""
        sent = self._under_way[id(message)]
        sent.part.message_id = message_id
        sent.part.move_to(ACCEPTED)
        self._write(sent.row)
        if not self._job.receipt or not message_id:
            return None
        self.tally.waiting += 1
        self._all_final.clear()
        return sent

    def _settle(self, message: SubmitSm, outcome: Submission | SmppError) -> None:
        sent = self._under_way.pop(id(message))
        row, part = sent.row, sent.part
        sent.message = None  # Its receipt needs it no more.
        if isinstance(outcome, SmppError):
            part.move_to(state_of(outcome))
            row.error = str(outcome)
            self.tally.because(outcome.status_name if isinstance(outcome, CommandFailed) else type(outcome).__name__)
            self._write(row)
        self.tally.part_ended(ACCEPTED if isinstance(outcome, Submission) else part.state)
        self._left[row] -= 1
        if not self._left[row]:
            del self._left[row]
            self.tally.row_ended(row)

    def _receipt(self, sent: _Sent, receipt: Receipt) -> None:
        """A receipt for a part came; it is answered when this returns."""
        if sent.is_final:
            return
        state = receipt.state.name if receipt.state is not None else "_".join(receipt.stat.upper().split())
        sent.part.move_to(state or "UNKNOWN")
        self._write(sent.row)
        if receipt.is_final:
            sent.is_final = True
            self.tally.states[sent.part.state] += 1
            self.tally.waiting -= 1
            if not self.tally.waiting:
                self._all_final.set()

    def _write(self, row: Row) -> None:
        try:
            self._results.write(row)
        except ResultsError as error:
            self._failure = self._failure or error

    # What is shown

    def _line(self) -> str:
        return self.tally.line(self._source.fraction, len(self._under_way), self._pool.binds if self._pool else ())

    def _picture(self) -> list[str]:
        return [f"{bar(self._source.fraction)}  {self._line()}"]


def _is_same_number(one: str, other: str) -> bool:
    return one.removeprefix("+") == other.removeprefix("+")
