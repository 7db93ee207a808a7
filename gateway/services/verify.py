"""One-time codes: made, sent over one channel after another, compared, and forgotten.

    begin ──guards──► kept (a fingerprint; the code sealed while it may be needed) ──► message or channel ──► noted
    check ──► kept first (attempts counted, whichever node asks), answered then
    sweep ──► next step, expiry, and what a crash left half done

A code is never in a log, an event, a callback or, readable, in the store. `verifications` has the rules.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gateway.config.services import VerifyConfig
from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.models import Message
from gateway.providers.ports import (
    NoAnswer,
    NotOffered,
    Verification,
    VerifyError,
    VerifyRequest,
    VerifyStatus,
)
from gateway.providers.seams import ChannelState, Compared, ServiceCallbacks, VerifyEvent
from gateway.providers.verifying import NO_FIELDS
from gateway.sealing import Sealer
from gateway.services import codes, kept_codes, templates
from gateway.services import verifications as rules
from gateway.services.charging import Charges, NoCharges, check_funds
from gateway.services.counters import Counters
from gateway.services.guards import Guards, remote_name
from gateway.services.kept_codes import KeptCode
from gateway.services.numbers import country_of
from gateway.services.owing import allow_any
from gateway.services.shelf import Kept
from gateway.services.verifications import Document
from gateway.services.verify_book import VerifyBook
from gateway.services.verify_requests import checked, step_of
from gateway.services.verify_sends import CodeSender, parse_order
from gateway.services.verify_steps import VerifySteps
from gateway.store import Store

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

SWEEP_BATCH: Final = 100
REMOTE_DIGITS: Final = 32


class VerifyService:
    """Implements `gateway.providers.verifying.Verifier`."""

    def __init__(
        self,
        config: VerifyConfig,
        *,
        store: Store,
        sender: CodeSender,
        sealer: Sealer,
        reporters: Mapping[str, ServiceCallbacks],
        on_callbacks: Callable[[], None],
        check_url: Callable[[str], None] = allow_any,
        clock: Callable[[], float] = time.time,
        metrics: Metrics | None = None,
        billing: Charges | None = None,
    ) -> None:
        """Put it together.

        Args:
            sender: hands codes to the pipeline and to channels.
            reporters: dialects that have words for what happens, by name.
            on_callbacks: called after a commit that owes callbacks.
            check_url: refuses, by InvalidMessage, where a callback may not go.
            billing: charges for successes; None: they cost nothing.
        """
        self._store = store
        self._sender = sender
        self._sealer = sealer
        self._check_url = check_url
        self._billing = billing or NoCharges()
        self._clock = clock
        counted = metrics or Metrics()
        self._book = VerifyBook(
            store,
            keep_seconds=config.keep_seconds,
            reporters=reporters,
            on_callbacks=on_callbacks,
            on_event=lambda dialect, event: counted.verifications.labels(dialect, event.value).inc(),
            clock=clock,
        )
        self._counters = Counters(store, clock)
        self._guards = Guards(config, self._counters, on_block=lambda guard: counted.verify_blocked.labels(guard).inc())
        self._steps = VerifySteps(
            store=store, book=self._book, sender=sender, sealer=sealer, guards=self._guards, clock=clock
        )

    def use(self, config: VerifyConfig) -> None:
        """Go by other settings from now on."""
        self._sender.use(config)
        self._guards.use(config)
        self._book.keep_seconds = config.keep_seconds

    # --- for dialects ---

    async def begin(self, account: str, request: VerifyRequest) -> Verification:
        """Make a code and send it; returns after the commit.

        Raises:
            VerifyError: a rule says no.
            NotOffered: no step leads anywhere.
            InvalidMessage: the callback's address cannot be used.
            StoreError: nothing was kept.
        """
        request = checked(request)
        if request.callback_url:
            self._check_url(request.callback_url)
        index = self._steps.first(account, request)
        if request.per_conversion:
            await check_funds(self._billing, account, request.number)
        now, country = self._clock(), country_of(request.number)
        request = replace(request, id=request.id or self._store.ids.new(now))
        remote = self._remote_of(account, request.remote)
        await self._guards.pass_code(account, recipient=request.steps[index].recipient or request.number, remote=remote)
        code = request.code or codes.make_code(request.code_length)
        document = Document(
            request=replace(request, code="", remote=""),
            language=templates.language_of(request.language, country),
            code_length=len(code),
            created_at=now,
            expires_at=now + request.validity_seconds,
            fingerprint=codes.fingerprint(self._sealer, account, request.id, code),
            sealed_code=self._steps.sealed(account, request.id, code),
            is_own_code=bool(request.code),
            remote=remote,
        )
        document = rules.going(document, request.steps[index], self._store.ids.new(now), now, index=index)
        kept = await self._steps.begin(await self._book.add(account, document), code)
        return rules.view(kept.value, account, self._clock())

    async def resend(self, account: str, verification_id: str, *, channel: str = "") -> Verification:
        """Send a fresh code (the caller's own again, where it gave one) over this or another channel.

        Raises:
            VerifyError: a rule says no, or it cannot be sent: then the code before still counts.
            NotOffered: the channel leads nowhere.
            StoreError: nothing was sent.
        """
        kept = await self._book.wanted(account, verification_id)
        now, request = self._clock(), kept.value.request
        rules.check_resend(kept.value, now)
        step = step_of(kept.value, channel)
        if not self._sender.is_offered(account, step.channel):
            raise NotOffered(f"no uplink carries codes over {step.channel}")
        await self._guards.pass_code(account, recipient=step.recipient or request.number, remote=kept.value.remote)
        code = self._steps.code_of(kept) if kept.value.is_own_code else codes.make_code(request.code_length)
        message_id = self._store.ids.new(now)

        def edit(kept: Kept[Document]) -> tuple[Document, None]:
            rules.check_resend(kept.value, now)
            return rules.going(self._steps.fresh(kept, code, now), step, message_id, now), None

        sent, failure = await self._steps.send(await self._book.change(account, verification_id, edit), code)
        if failure is not None:
            raise failure.as_error(verification_id)
        return rules.view(sent.value, account, now)

    def is_offered(self, account: str, channel: str) -> bool:
        """Whether codes can go this way now."""
        return self._sender.is_offered(account, channel)

    async def check(
        self, account: str, verification_id: str, code: str, *, fields: Mapping[str, str] = NO_FIELDS
    ) -> Verification:
        """Compare a code; the verification it has verified. An attempt is counted before it is answered.

        Raises:
            VerifyError: it is wrong, too late, or one too many.
            NoAnswer: the provider that keeps the code does not say.
            StoreError: nothing was decided.
        """
        now = self._clock()
        wrong: VerifyError | None = None
        known = (await self._book.wanted(account, verification_id)).value
        if known.status_at(now) in rules.OPEN:
            await self._guards.pass_guess(account, known.request.number)
        elsewhere = kept_codes.read(known.fingerprint)
        outcome = None
        if elsewhere is not None:
            outcome = await self._ask(account, verification_id, elsewhere, code, fields)

        def edit(kept: Kept[Document]) -> tuple[Document, VerifyEvent | None]:
            nonlocal wrong
            if outcome is not None:
                document, wrong = rules.said(kept.value, outcome, now)
            else:
                is_right = codes.is_right(self._sealer, kept.value.fingerprint, account, verification_id, code)
                document, wrong = rules.checked(kept.value, is_right, now)
            return document, _ENDS.get(document.status)

        kept = await self._book.change(account, verification_id, edit)
        if wrong is not None:
            raise wrong
        try:
            await self._guards.came_back(account, kept.value.request.number)
            await self._charge(kept)
        except StoreError as error:
            log.warning("a code that came back was not counted", error=str(error))
        return rules.view(kept.value, account, now)

    async def _ask(
        self, account: str, verification_id: str, elsewhere: KeptCode, code: str, fields: Mapping[str, str]
    ) -> Compared:
        """What the provider that keeps the code says; the attempt is counted before it is asked."""
        now = self._clock()
        await self._book.change(account, verification_id, lambda kept: (rules.asked(kept.value, now), None))
        try:
            return await self._sender.compare(account, elsewhere, code, fields)
        except NoAnswer:
            await self._book.change(account, verification_id, lambda kept: (rules.not_said(kept.value), None))
            raise

    async def cancel(self, account: str, verification_id: str) -> Verification:
        """End it without a result.

        Raises:
            VerifyError: it has ended, or it is too soon.
            StoreError: it goes on.
        """
        now = self._clock()

        def edit(kept: Kept[Document]) -> tuple[Document, VerifyEvent]:
            return rules.cancelled(kept.value, now), VerifyEvent.CANCELLED

        return rules.view((await self._book.change(account, verification_id, edit)).value, account, now)

    async def find(self, account: str, verification_id: str) -> Verification | None:
        """One by its id."""
        kept = await self._book.get(account, verification_id)
        return rules.view(kept.value, account, self._clock()) if kept is not None else None

    async def search(
        self,
        account: str,
        *,
        number: str = "",
        reference: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> Sequence[Verification]:
        """Those of a number, a reference and a time, newest first; as many are read as are returned."""
        found = await self._book.search(
            account,
            number=number.removeprefix("+"),
            reference=reference,
            since=since,
            until=until,
            limit=limit,
            before_id=before_id,
        )
        now = self._clock()
        return [rules.view(kept.value, account, now) for kept in found]

    async def _charge(self, kept: Kept[Document]) -> None:
        """Charge for a success, and note that it was; what is not noted is charged again to no effect."""
        if kept.value.owes:
            number, reference = kept.value.request.number, f"verification {kept.key}"
            await self._billing.charge(kept.account, number, reference, "a verification")
            await self._book.put(kept, replace(kept.value, owes=False))

    def _remote_of(self, account: str, remote: str) -> str:
        """Whom a request's address is counted as; who reads the store does not learn it."""
        return self._sealer.fingerprint("remote", account, remote_name(remote))[:REMOTE_DIGITS] if remote else ""

    # --- what comes back ---

    async def on_message(self, account: str, rest: str, message: Message) -> None:
        """A message with a code has come to its end."""
        status = rules.SEND_STATES.get(message.state)
        if status is not None:
            await self._hear(account, rest, status, message.error)

    async def on_channel_state(self, order_id: str, state: ChannelState, detail: str = "") -> None:
        """A channel tells what became of a code."""
        order = parse_order(order_id)
        if order is not None:
            await self._hear(*order, state.value, detail)

    async def _hear(self, account: str, rest: str, status: str, error: str) -> None:
        verification_id, _, number = rest.rpartition("/")
        now = self._clock()

        def edit(kept: Kept[Document]) -> tuple[Document, VerifyEvent | None] | None:
            document, event = rules.told(kept.value, int(number), status, error, now)
            return (document, event) if document != kept.value else None

        try:
            kept = await self._book.change(account, verification_id, edit)
        except VerifyError:
            return  # it was forgotten meanwhile
        if 0 < kept.value.next_step_at <= now:
            await self._attend(kept, now)

    # --- what is due ---

    async def sweep(self) -> bool:
        """Take steps, end what is over, forget what is old; whether nothing is left to do now.

        Raises:
            StoreError: it goes on later.
        """
        now = self._clock()
        due = await self._book.due(now, SWEEP_BATCH)
        for kept in due:
            try:
                await self._attend(kept, now)
            except StoreError:
                raise
            except Exception:
                log.exception("a verification could not be attended to", verification=kept.key)
                await self._book.set_back(kept)
        idle = await self._book.forget_idle(now, SWEEP_BATCH)
        return await self._counters.sweep(now) and max(len(due), idle) < SWEEP_BATCH

    async def _attend(self, kept: Kept[Document], now: float) -> None:
        document = kept.value
        if document.owes:
            await self._charge(kept)
        elif not document.is_open:
            await self._book.forget(kept.account, kept.key)
        elif document.is_going:
            await self._steps.take_up(kept, now)
        elif document.next_step_at and document.next_step_at <= now:
            await self._steps.go_on(kept)
        elif rules.is_over(document, now):
            await self._book.put(kept, rules.ended(document, VerifyStatus.EXPIRED, now), VerifyEvent.EXPIRED)


_ENDS: Final = {VerifyStatus.VERIFIED: VerifyEvent.VERIFIED, VerifyStatus.FAILED: VerifyEvent.FAILED}
