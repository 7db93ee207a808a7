"""A verification's codes on their way: the first, further steps, and those that a crash left half sent.

first ──► begin ──► send ──► noted        go_on ──claim, guards──► send ──► noted        take_up ──► send, or leave
"""

import contextlib
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from gateway.errors import StoreError
from gateway.providers.ports import NotOffered, VerifyError, VerifyRequest, VerifyStatus
from gateway.providers.seams import ChannelSent, VerifyEvent
from gateway.sealing import SealBroken, Sealer
from gateway.services import codes, kept_codes
from gateway.services import verifications as rules
from gateway.services.guards import Guards
from gateway.services.kept_codes import KeptCode
from gateway.services.shelf import Kept
from gateway.services.verifications import Document
from gateway.services.verify_book import VerifyBook
from gateway.services.verify_sends import SMS, CodeSender, SendFailed
from gateway.store import Store

log = structlog.get_logger(__name__)
replace: Final = msgspec.structs.replace


class VerifySteps:
    """Takes the steps of verifications.

    Args:
        sender: hands codes to the pipeline and to channels.
    """

    def __init__(
        self,
        *,
        store: Store,
        book: VerifyBook,
        sender: CodeSender,
        sealer: Sealer,
        guards: Guards,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._book = book
        self._sender = sender
        self._sealer = sealer
        self._guards = guards
        self._clock = clock

    # --- codes ---

    def sealed(self, account: str, verification_id: str, code: str) -> str:
        """A code as it is kept while it may have to be sent."""
        return self._sealer.seal_text(code, f"code {account} {verification_id}")

    def code_of(self, kept: Kept[Document]) -> str:
        """The code that goes, in clear.

        Raises:
            SealBroken: it is not kept.
        """
        return self._sealer.open_text(kept.value.sealed_code, f"code {kept.account} {kept.key}")

    def fresh(self, kept: Kept[Document], code: str, now: float) -> Document:
        """With another code in the place of the one before."""
        fingerprint = codes.fingerprint(self._sealer, kept.account, kept.key, code)
        return rules.fresh(kept.value, fingerprint, self.sealed(kept.account, kept.key, code), now)

    # --- sending ---

    def first(self, account: str, request: VerifyRequest) -> int:
        """Which of a request's steps is taken first.

        Raises:
            NotOffered: none can be, or one that must not be passed over.
        """
        offered = [at for at, step in enumerate(request.steps) if self._sender.is_offered(account, step.channel)]
        if not offered or (len(offered) < len(request.steps) and not request.skip_unavailable):
            missing = dict.fromkeys(step.channel for at, step in enumerate(request.steps) if at not in offered)
            raise NotOffered(f"no uplink carries codes over {', '.join(missing)}")
        return offered[0]

    async def begin(self, kept: Kept[Document], code: str) -> Kept[Document]:
        """Send the first code by the first step that works; without one, nothing was begun.

        Raises:
            VerifyError: why none does.
            StoreError: nothing was kept.
        """
        first: SendFailed | None = None
        while True:
            try:
                kept, failure = await self.send(kept, code)
            except StoreError:
                with contextlib.suppress(StoreError):
                    await self._book.forget(kept.account, kept.key)
                raise
            if failure is None:
                return kept
            first = first or failure
            following = await self._next_step(kept)
            if following is None:
                await self._book.forget(kept.account, kept.key)
                raise first.as_error(kept.key)
            kept, code = following

    async def send(self, kept: Kept[Document], code: str) -> tuple[Kept[Document], SendFailed | None]:
        """Hand over the code that is going, and note what became of that."""
        count = len(kept.value.history)
        failure: SendFailed | None = None
        sent = ChannelSent()
        try:
            sent = await self._sender.send(kept.account, kept.value, code)
        except SendFailed as error:
            failure = error
        now = self._clock()

        def edit(kept: Kept[Document]) -> tuple[Document, VerifyEvent | None] | None:
            if not kept.value.is_going or len(kept.value.history) != count:
                return None
            if failure is not None:
                return with_loss(kept.value, rules.failed_to_go(kept.value, str(failure), now))
            document = rules.gone(kept.value, now, reference=sent.reference)
            if sent.code:
                fingerprint = codes.fingerprint(self._sealer, kept.account, kept.key, sent.code)
                document = replace(document, fingerprint=fingerprint, sealed_code="", code_length=len(sent.code))
            elif sent.keeper:
                latest = document.history[-1]
                where = KeptCode(sent.keeper, latest.channel, sent.reference)
                document = replace(document, fingerprint=kept_codes.written(where), sealed_code="")
            return document, VerifyEvent.SENT

        try:
            noted = await self._book.change(kept.account, kept.key, edit)
            return Kept(replace(noted.value, extra=dict(sent.extra)), noted.record), failure
        except StoreError as error:
            if failure is not None or sent.code or sent.keeper:
                raise
            # It was handed over: whoever takes the claim up will see that.
            log.warning("a code that was sent was not noted", verification=kept.key, error=str(error))
            return kept, None

    async def _next_step(self, kept: Kept[Document]) -> tuple[Kept[Document], str] | None:
        """Claim the next step that is offered, and the code for it; None where there is none, or it is another's."""
        document, now = kept.value, self._clock()
        request = document.request
        following = (
            at
            for at in range(document.step + 1, len(request.steps))
            if self._sender.is_offered(kept.account, request.steps[at].channel)
        )
        index = next(following, None)
        if index is None or not document.has_step_left or not document.is_open:
            return None
        try:
            code = self.code_of(kept)
            document = replace(document, expires_at=now + request.validity_seconds)
        except SealBroken:
            # A channel chose the one before.
            code = codes.make_code(request.code_length)
            document = self.fresh(kept, code, now)
        going = rules.going(document, request.steps[index], self._store.ids.new(now), now, index=index)
        claimed = await self._book.put(kept, going)
        return (claimed, code) if claimed is not None else None

    async def go_on(self, kept: Kept[Document]) -> None:
        """Take the next step, or note that there is none."""
        following = await self._next_step(kept)
        if following is not None:
            await self._send_guarded(*following)
        else:
            # Where another node has taken the step, this is not written.
            await self._book.put(kept, *with_loss(kept.value, rules.out_of_steps(kept.value)))

    async def _send_guarded(self, kept: Kept[Document], code: str) -> None:
        """One more code of a verification that has sent some: it is counted like the first."""
        try:
            recipient = kept.value.history[-1].recipient
            await self._guards.pass_code(kept.account, recipient=recipient, remote=kept.value.remote)
        except VerifyError as error:
            log.info("a step is not taken", verification=kept.key, guard=error.guard)
            now = self._clock()
            await self._book.put(kept, *with_loss(kept.value, rules.failed_to_go(kept.value, str(error), now)))
        else:
            await self.send(kept, code)

    async def take_up(self, kept: Kept[Document], now: float) -> None:
        """Somebody began to send and did not say how it ended."""
        ours = await self._book.put(kept, replace(kept.value, claimed_until=now + rules.CLAIM_SECONDS))
        if ours is None:
            return
        latest = ours.value.history[-1]
        if latest.channel == SMS and await self._store.message(kept.account, latest.message_id) is None:
            await self.send(ours, self.code_of(ours))
        else:
            # It was accepted; or it went, or may have gone, to a provider: that is not done twice.
            await self._book.put(ours, rules.gone(ours.value, now), VerifyEvent.SENT)


def with_loss(before: Document, after: Document) -> tuple[Document, VerifyEvent | None]:
    """With the event, where all ways have failed just now."""
    is_lost = after.status is VerifyStatus.UNDELIVERED and before.status is not after.status
    return after, VerifyEvent.UNDELIVERED if is_lost else None
