"""Says whether one more code may go out: caps an hour, and how many codes of a range come back.

Numbers are counted as one however they are written, and so are the addresses of one network: what an attacker can vary
at will must not be a name of its own.
"""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from gateway.config.services import VerifyConfig
from gateway.providers.verifying import VerifyError, VerifyProblem
from gateway.services.counters import WINDOW_SECONDS, Cap, Counters
from gateway.services.numbers import canonical, country_of, kind_of

TYPING_SECONDS: Final = 180.0
"""How long people may take to type the first codes in, before it is judged how many do."""
ADDRESS_LIMIT: Final = 64
_NETWORK_BITS: Final = 64
"""Of IPv6: what one customer of a provider has for himself."""


class Guards:
    """The guards.

    Args:
        on_block: told which guard has said no.
    """

    def __init__(
        self, config: VerifyConfig, counters: Counters, *, on_block: Callable[[str], None] = lambda _guard: None
    ) -> None:
        self._config = config
        self._counters = counters
        self._on_block = on_block

    def use(self, config: VerifyConfig) -> None:
        """Go by other settings from now on."""
        self._config = config

    async def pass_code(self, account: str, *, recipient: str, remote: str = "") -> None:
        """Count a code that is about to go out.

        Args:
            recipient: a number, or what else a channel goes to.
            remote: `remote_name` of the address that it was asked for from; empty where nobody knows.

        Raises:
            VerifyError: BLOCKED, and `guard` says by which.
            StoreError: it cannot be counted.
        """
        number = canonical(recipient)
        country = _country(number)
        self._check_kind(number, country)
        await self._check_conversion(account, number, country)
        refused = await self._counters.take(account, self._caps(number, country, remote))
        if refused is not None:
            raise self._blocked(refused.guard, refused.text, retry_after=WINDOW_SECONDS / 4)

    def _check_kind(self, number: str, country: str) -> None:
        config = self._config
        if not number.isdecimal():
            return  # an address of another kind
        if (config.countries and country not in config.countries) or country in config.blocked_countries:
            raise self._blocked("country", "no codes go to this country")
        if not country and not config.international_networks:
            raise self._blocked("country", "no codes go to numbers of no country")
        if kind_of(number) in config.blocked_kinds:
            raise self._blocked("kind", "no codes go to numbers of this kind")

    def _caps(self, number: str, country: str, remote: str) -> list[Cap]:
        config = self._config
        prefix = number[: -config.prefix_cut]
        caps = [
            Cap(f"number {number}", config.per_number, "number", "too many codes went to this number"),
            Cap(f"prefix {prefix}", config.per_prefix, "prefix", "too many codes went to numbers such as this"),
            Cap("account", config.per_account, "account", "the account sent too many codes"),
            Cap(f"sent {self._range(number)}", 0, ""),
        ]
        if country:
            text = "too many codes went to this country"
            caps.append(Cap(f"sent in {country}", config.per_country, "country", text))
        if remote:
            text = "too many codes were asked for from there"
            caps.append(Cap(f"remote {remote}", config.per_remote, "remote", text))
        return caps

    # --- what is typed in ---

    async def came_back(self, account: str, recipient: str) -> None:
        """Count a code that was typed in."""
        number = canonical(recipient)
        country = _country(number)
        caps = [Cap(f"back {self._range(number)}", 0, "")]
        await self._counters.take(account, caps + ([Cap(f"back in {country}", 0, "")] if country else []))

    async def pass_guess(self, account: str, recipient: str) -> None:
        """Count a code that is about to be compared: who begins anew after a few guesses is stopped all the same.

        Raises:
            VerifyError: TOO_MANY_ATTEMPTS: it must not be compared.
            StoreError: it cannot be counted.
        """
        limit = self._config.guesses_per_number
        if limit and await self._counters.take(account, [Cap(f"guess {canonical(recipient)}", limit, "guesses")]):
            self._on_block("guesses")
            raise VerifyError(
                VerifyProblem.TOO_MANY_ATTEMPTS,
                "too many codes were tried for this number",
                guard="guesses",
                retry_after=WINDOW_SECONDS / 4,
            )

    async def _check_conversion(self, account: str, number: str, country: str) -> None:
        config = self._config
        if not config.conversion_percent:
            return
        places = {self._range(number): (config.conversion_after, "too few of the codes to this range come back")}
        if country and config.conversion_country_after:
            text = "too few of the codes to this country come back"
            places[f"in {country}"] = (config.conversion_country_after, text)
        counted = await asyncio.gather(*(self._counters.read(account, f"sent {place}") for place in places))
        sent, seconds = counted[0]
        if config.conversion_burst and seconds < TYPING_SECONDS and sent >= config.conversion_burst:
            raise self._blocked("conversion", "too many codes to this range at once", retry_after=TYPING_SECONDS)
        for (place, (after, text)), (sent, seconds) in zip(places.items(), counted, strict=True):
            if sent >= after and seconds >= TYPING_SECONDS:
                back, _ = await self._counters.read(account, f"back {place}")
                if back * 100 < sent * config.conversion_percent:
                    raise self._blocked("conversion", text, retry_after=WINDOW_SECONDS / 4)

    def _blocked(self, guard: str, text: str, *, retry_after: float = 0.0) -> VerifyError:
        self._on_block(guard)
        return VerifyError(VerifyProblem.BLOCKED, text, guard=guard, retry_after=retry_after)

    def _range(self, number: str) -> str:
        return number[: self._config.conversion_digits]


def _country(number: str) -> str:
    return country_of(number) if number.isdecimal() else ""


def remote_name(remote: str) -> str:
    """Whom an address is counted as: itself, or its network where one customer has many; empty where it is empty."""
    written = remote.strip().strip("[]").partition("%")[0].lower()
    try:
        address: IPv4Address | IPv6Address = ip_address(written)
    except ValueError:
        return written[:ADDRESS_LIMIT]
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None:
            network = int(address) >> _NETWORK_BITS << _NETWORK_BITS
            return f"{IPv6Address(network)}/{_NETWORK_BITS}"
        address = inner
    return str(address)
