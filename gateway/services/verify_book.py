"""Where verifications are kept, and which of a number is under way; `verify_index` is how they are found."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.models import Callback
from gateway.providers.ports import VerifyError, VerifyProblem, VerifyStatus
from gateway.providers.seams import ServiceCallbacks, VerifyEvent
from gateway.services import verifications as rules
from gateway.services.owing import owed
from gateway.services.shelf import SET_BACK_SECONDS, Kept, Put, Shelf
from gateway.services.verifications import Document
from gateway.services.verify_index import VerifyIndex
from gateway.store import Store
from gateway.store.records import Record

replace = msgspec.structs.replace

KIND: Final = "verify"


class Active(msgspec.Struct, frozen=True):
    """Which verification of a number and brand is under way."""

    id: str


class VerifyBook:
    """Writes verifications down, with the callbacks that this owes.

    Args:
        keep_seconds: for how long those that have ended are kept.
        reporters: dialects that have words for what happens, by name.
        on_callbacks: called after a commit that owes callbacks.
        on_event: told of what was written down, with the dialect.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_seconds: float,
        reporters: Mapping[str, ServiceCallbacks],
        on_callbacks: Callable[[], None],
        clock: Callable[[], float],
        on_event: Callable[[str, VerifyEvent], None],
    ) -> None:
        self._store = store
        self._on_event = on_event
        self.keep_seconds = keep_seconds
        self._reporters = reporters
        self._on_callbacks = on_callbacks
        self._clock = clock
        self._documents = Shelf(store, KIND, Document, clock=clock)
        self._active = Shelf(store, "verify_active", Active, clock=clock)
        self._index = VerifyIndex(store, clock=clock)

    # --- finding ---

    async def get(self, account: str, verification_id: str) -> Kept[Document] | None:
        """One by its id."""
        return await self._documents.get(account, verification_id)

    async def wanted(self, account: str, verification_id: str) -> Kept[Document]:
        """One by its id.

        Raises:
            VerifyError: NOT_FOUND.
        """
        return _there(await self._documents.get(account, verification_id), verification_id)

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
    ) -> Sequence[Kept[Document]]:
        """Those of a number, a reference and a time, newest first; as `VerifyIndex.search`."""
        before = await self._documents.get(account, before_id) if before_id else None
        if before_id and before is None:
            return []
        return await self._index.search(
            account,
            lambda verification_id: self._documents.get(account, verification_id),
            number=number,
            reference=reference,
            since=since,
            until=until,
            limit=limit,
            before=before.value if before is not None else None,
        )

    async def due(self, now: float, limit: int) -> list[Kept[Document]]:
        """Those that want attention."""
        return await self._documents.due(now, limit=limit)

    # --- writing ---

    async def add(self, account: str, document: Document) -> Kept[Document]:
        """Keep a new one, and hold its number against others where it must be alone.

        Raises:
            VerifyError: CONCURRENT, or its id is taken.
        """
        request = document.request
        records = [self._documents.new(account, request.id, self._put(account, document))]
        records += self._index.records(account, document)
        if not request.allow_concurrent:
            records.append(await self._claim(account, document))
        written = await self._store.put_records(records)
        if not written[0]:
            await self._index.forget(account, document)
            raise VerifyError(VerifyProblem.BAD_REQUEST, "there is a verification of this id already")
        if not all(written):
            await self.forget(account, request.id)
            raise VerifyError(VerifyProblem.CONCURRENT, "another was begun for this number at the same moment")
        return Kept(document, replace(records[0], version=1, callbacks=()))

    async def put(
        self, kept: Kept[Document], document: Document, event: VerifyEvent | None = None
    ) -> Kept[Document] | None:
        """Write over one that was read; None: another was quicker."""
        written = await self._documents.put(kept, self._put(kept.account, document, event))
        self._told(written, event)
        return written

    async def change(
        self,
        account: str,
        verification_id: str,
        edit: Callable[[Kept[Document]], tuple[Document, VerifyEvent | None] | None],
    ) -> Kept[Document]:
        """Change one, whoever else writes.

        Args:
            edit: makes the new one and what is reported of it; None leaves it as it is.

        Raises:
            VerifyError: NOT_FOUND.
        """

        event: VerifyEvent | None = None

        def put(kept: Kept[Document]) -> Put[Document] | None:
            nonlocal event
            made = edit(kept)
            event = made[1] if made is not None else None
            return self._put(account, *made) if made is not None else None

        changed = await self._documents.change(account, verification_id, put)
        self._told(changed, event)
        return _there(changed, verification_id)

    async def set_back(self, kept: Kept[Document]) -> None:
        """Look at one later: it could not be attended to."""
        await self._documents.set_back(kept, SET_BACK_SECONDS)

    async def forget(self, account: str, verification_id: str) -> None:
        """As if it had never been."""
        kept = await self._documents.get(account, verification_id)
        if kept is not None:
            await self._index.forget(account, kept.value)
            await self._documents.drop(account, [verification_id])

    async def forget_idle(self, now: float, limit: int) -> int:
        """Forget which was under way where that is long ago."""
        idle = await self._active.due(now, limit=limit)
        for one in idle:
            await self._active.drop(one.account, [one.key])
        return len(idle)

    # --- one at a time ---

    async def _claim(self, account: str, document: Document) -> Record:
        """The record that says which verification of a number and brand is under way."""
        request, now = document.request, self._clock()
        key = f"{request.number} {request.brand}"
        put = Put(Active(request.id), due_at=now + self.keep_seconds)
        active = await self._active.get(account, key)
        if active is None:
            return self._active.new(account, key, put)
        other = await self._documents.get(account, active.value.id)
        if other is not None and other.value.status_at(now) in rules.OPEN:
            if not request.replaces_concurrent:
                raise VerifyError(
                    VerifyProblem.CONCURRENT,
                    "a verification of this number is under way",
                    verification_id=active.value.id,
                    retry_after=max(1.0, other.value.expires_at - now),
                )
            await self._replace(account, active.value.id)
        return self._active.next(active, put)

    async def _replace(self, account: str, verification_id: str) -> None:
        now = self._clock()

        def edit(kept: Kept[Document]) -> tuple[Document, VerifyEvent] | None:
            if not kept.value.is_open:
                return None
            return rules.ended(kept.value, VerifyStatus.CANCELLED, now), VerifyEvent.CANCELLED

        await self.change(account, verification_id, edit)

    # --- what is owed ---

    def _put(self, account: str, document: Document, event: VerifyEvent | None = None) -> Put[Document]:
        callback = self._callback(account, document, event) if event is not None else None
        return Put(
            replace(document, extra={}),
            due_at=rules.due_at(document, self.keep_seconds),
            tag=document.request.number,
            callbacks=(callback,) if callback is not None else (),
        )

    def _callback(self, account: str, document: Document, event: VerifyEvent) -> Callback | None:
        request = document.request
        reporter = self._reporters.get(request.dialect)
        if not request.callback_url or reporter is None:
            return None
        now = self._clock()
        callback = reporter.verification_callback(rules.view(document, account, now), event)
        return None if callback is None else owed(callback, self._store, account, request.id, request.dialect, now)

    def _told(self, kept: Kept[Document] | None, event: VerifyEvent | None) -> None:
        if kept is None or event is None:
            return
        self._on_event(kept.value.request.dialect, event)
        if kept.value.request.callback_url:
            self._on_callbacks()


def _there(kept: Kept[Document] | None, verification_id: str) -> Kept[Document]:
    if kept is None:
        raise VerifyError(VerifyProblem.NOT_FOUND, "there is no such verification", verification_id=verification_id)
    return kept
