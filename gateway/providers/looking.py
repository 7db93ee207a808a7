"""Look-ups of numbers, as dialects ask for them: what numbers say by themselves, and what networks say of them."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec


class NumberInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a number says by itself."""

    number: str
    is_valid: bool
    e164: str = ""
    international: str = ""
    national: str = ""
    rfc3966: str = ""
    kind: str = "unknown"
    """'mobile', 'fixed_line', 'fixed_line_or_mobile', 'toll_free', 'premium_rate', 'shared_cost', 'voip', 'personal',
    'pager', 'uan', 'voicemail' or 'unknown'."""
    country: str = ""
    country_name: str = ""
    country_code: int = 0
    area: str = ""
    time_zones: tuple[str, ...] = ()
    carrier: str = ""
    """Who was given the prefix; wrong after porting."""
    mcc: str = ""
    mnc: str = ""


class NetworkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a network says of a number: an HLR or MNP answer of a provider."""

    id: str
    number: str
    status: str = ""
    is_ported: bool | None = None
    is_reachable: bool | None = None
    imsi: str = ""
    original_network: Mapping[str, str] = {}
    """'name', 'country', 'mcc', 'mnc' where known."""
    current_network: Mapping[str, str] = {}
    raw: Mapping[str, object] = {}
    """The provider's own answer, for its own dialect."""
    asked_at: float = 0.0
    """When the network was asked; an answer may have been kept since."""


class LookupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one of many numbers."""

    info: NumberInfo
    network: NetworkInfo | None = None
    error: str = ""
    """Why no network has said anything."""


class BulkLookup(msgspec.Struct, frozen=True, kw_only=True):
    """A look-up of many numbers, and how far it is."""

    id: str
    method: str
    """Empty: no network is asked."""
    total: int
    answered: int
    failed: int
    answers: tuple[LookupAnswer, ...]
    """Those there are by now."""
    created_at: float
    ended_at: float
    """0: it goes on."""


AS_ASKED: Final[Mapping[str, tuple[str, ...]]] = {}


class Numbers(Protocol):
    """Looks numbers up."""

    def parse(self, number: str) -> NumberInfo:
        """What needs no network."""

    def outline(self, number: str) -> NumberInfo:
        """The same without national forms, time zones, area and network codes: for answers to every message."""

    def brief(self, number: str) -> NumberInfo:
        """Country and network as the first digits have them, and nothing else: for every message."""

    async def network(self, account: str, number: str, *, method: str = "hlr") -> NetworkInfo:
        """Ask a provider: 'hlr', 'mnp' or 'fraud'; answers are kept for a while.

        Raises:
            NotOffered: no uplink does this.
            gateway.providers.seams.LookupFailed: the provider gave no answer.
        """

    async def network_bulk(
        self,
        account: str,
        numbers: Sequence[str],
        *,
        method: str,
        callback_url: str,
        dialect: str,
        written: Mapping[str, tuple[str, ...]] = AS_ASKED,
        unasked_kinds: tuple[str, ...] = (),
    ) -> str:
        """Ask for many, 1,000 at most; the answers are called back in the words of the dialect. Returns the job's id.

        Args:
            written: how the caller wrote a number, each way of them, where that was another.
            unasked_kinds: no network is asked about numbers of these kinds: what they say by themselves is reported.

        Raises:
            NotOffered: no uplink does this, or the dialect reports no look-ups.
            ValueError: there are too many.
        """

    async def begin_bulk(
        self, account: str, numbers: Sequence[str], *, method: str = "", callback_url: str = ""
    ) -> BulkLookup:
        """Look many up, 1,000 at most, for whoever asks for the answers later; callbacks are in our own words.

        Args:
            method: empty: what numbers say by themselves; no network is asked.
            callback_url: empty: nothing is called back.

        Raises:
            NotOffered: no uplink does this.
            ValueError: there are none, or too many.
            gateway.errors.InvalidMessage: the callback's address cannot be used.
            gateway.errors.RateLimited: too many such are under way.
        """

    async def find_bulk(self, account: str, lookup_id: str) -> BulkLookup | None:
        """One of those, while it is kept."""

    def countries(self) -> Sequence[tuple[str, str, int]]:
        """ISO code, name and calling code of every country."""
