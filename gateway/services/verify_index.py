"""Which verifications an account has, newest first: of a number, of a reference, of a time.

    verify_time       key: the moment, counted backwards, and the id      tag: the number
    verify_reference  the same key                                        tag: the reference

A search reads as many as it returns, however many there are: records are read by their keys, and these sort by time,
which ids that dialects choose do not.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from gateway.services.shelf import Kept, Put, Shelf
from gateway.services.verifications import Document
from gateway.store import Record, Store

_LAST_MOMENT: Final = 10**13
"""Milliseconds since the epoch: the year 2286."""
_DIGITS: Final = 13
_PAGE: Final = 100

Find = Callable[[str], Awaitable[Kept[Document] | None]]
"""A document by its id."""


class Nothing(msgspec.Struct, frozen=True):
    """A document that is only there to be found."""


class VerifyIndex:
    """Finds verifications."""

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._times = Shelf(store, "verify_time", Nothing, clock=clock)
        self._references = Shelf(store, "verify_reference", Nothing, clock=clock)

    def records(self, account: str, document: Document) -> list[Record]:
        """What is kept together with a new one."""
        request, key = document.request, key_of(document)
        records = [self._times.new(account, key, Put(Nothing(), tag=request.number))]
        if request.reference:
            records.append(self._references.new(account, key, Put(Nothing(), tag=request.reference)))
        return records

    async def forget(self, account: str, document: Document) -> None:
        """It is found no more."""
        key = key_of(document)
        await self._times.drop(account, [key])
        # An earlier version kept it by its id.
        await self._references.drop(account, [key, document.request.id])

    async def search(
        self,
        account: str,
        find: Find,
        *,
        number: str = "",
        reference: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before: Document | None = None,
    ) -> Sequence[Kept[Document]]:
        """Those that fit all of this, newest first.

        Args:
            since: begun then or later.
            until: begun before; 0: until now.
            before: those that come after this one.
        """
        # Guards bound how many a number has; an app may give all of its own one reference.
        by_reference = bool(reference) and not number
        shelf, tag = (self._references, reference) if by_reference else (self._times, number or None)
        after = key_of(before) if before is not None else ""
        if until:
            after = max(after, _moment(until))
        found: list[Kept[Document]] = []
        while len(found) < limit:
            page = await shelf.page(account, tag=tag, after_key=after, limit=min(_PAGE, limit))
            for entry in page:
                kept = await find(entry.key.partition(".")[2])
                if kept is None or key_of(kept.value) != entry.key or 0 < until <= kept.value.created_at:
                    continue  # it is being forgotten; or less than a millisecond too late
                if kept.value.created_at < since:
                    return found
                request = kept.value.request
                if number in ("", request.number) and reference in ("", request.reference):
                    found.append(kept)
            if len(page) < min(_PAGE, limit):
                break
            after = page[-1].key
        return found[:limit]


def key_of(document: Document) -> str:
    """Where it stands among the others: later ones sort before earlier ones."""
    return f"{_moment(document.created_at)}.{document.request.id}"


def _moment(at: float) -> str:
    # Of a moment: less than any key of that millisecond, greater than those of the next.
    return f"{max(0, _LAST_MOMENT - int(at * 1000)):0{_DIGITS}d}"
