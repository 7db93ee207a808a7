"""What services ask of a provider beyond messages: other channels for codes and flows, and look-ups in networks. Pure.

ChannelOrder ──► order ──HttpCall──► rest uplink ──► provider        HttpReply ──► ordered ──► ChannelSent
number, method ──► look_up ──HttpCall──► …                           HttpReply ──► looked_up ──► NetworkInfo
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from gateway.models import Outcome
from gateway.providers.base import WebRequest
from gateway.providers.connecting import Answered, HttpCall, HttpReply
from gateway.providers.ports import NetworkInfo
from gateway.providers.seams import ChannelOrder, ChannelRefused, ChannelSent, ChannelState, Compared, LookupFailed

NO_CHANNELS: Final[frozenset[str]] = frozenset()


class Reach(Protocol):
    """One provider's ways."""

    @property
    def channels(self) -> frozenset[str]:
        """Those that codes and flows can take."""

    @property
    def methods(self) -> frozenset[str]:
        """'hlr', 'mnp', 'fraud': those look-ups that it does."""

    def order(self, order: ChannelOrder, callback_url: str) -> HttpCall:
        """The request of an order.

        Raises:
            ChannelRefused: it cannot be made: something is missing that the channel needs.
        """

    def ordered(self, order: ChannelOrder, reply: HttpReply) -> ChannelSent:
        """What its answer means.

        Raises:
            ChannelRefused: it was not taken, or may not have been.
        """

    def channel_state(self, request: WebRequest) -> ChannelState | None:
        """What a callback says of an order; None: nothing."""

    def look_up(self, number: str, method: str) -> HttpCall:
        """The request of a look-up."""

    def looked_up(self, number: str, method: str, reply: HttpReply) -> NetworkInfo:
        """What its answer says.

        Raises:
            LookupFailed: it is none.
        """


@runtime_checkable
class KeepsCodes(Protocol):
    """A provider that makes the codes of some channels itself, tells nobody, and compares them."""

    @property
    def kept(self) -> frozenset[str]:
        """Those channels."""

    def compare(self, channel: str, reference: str, code: str, fields: Mapping[str, str]) -> HttpCall:
        """The request that asks whether a code is right."""

    def compared(self, channel: str, reply: HttpReply) -> Compared:
        """What its answer says.

        Raises:
            ChannelRefused: it says nothing of the code.
        """


def refused(answered: Answered) -> ChannelRefused:
    """Why an order was not taken, where its answer is read as that of a message."""
    result = answered.result
    return ChannelRefused(result.error, in_doubt=result.outcome is Outcome.IN_DOUBT)


def failed(answered: Answered) -> LookupFailed:
    """Why there is no answer, likewise."""
    return LookupFailed(answered.result.error)


def strings(fields: Mapping[str, object], names: Sequence[str]) -> dict[str, Any]:
    """Those of an order's own fields that a call knows."""
    return {name: fields[name] for name in names if name in fields}


def network(*, name: str, country: str, mcc: str, mnc: str) -> dict[str, str]:
    """A network, with what is known of it."""
    known = {"name": name, "country": country, "mcc": mcc, "mnc": mnc}
    return {key: value for key, value in known.items() if value}


def padded_network(mccmnc: str) -> tuple[str, str]:
    """MCC and MNC of both in one, where two-digit MNCs were filled up to three digits."""
    if not (mccmnc.isascii() and mccmnc.isdigit() and 5 <= len(mccmnc) <= 6):
        return "", ""
    mcc, mnc = mccmnc[:3], mccmnc[3:]
    return mcc, mnc[1:] if len(mnc) == 3 and mnc[0] == "0" else mnc
