"""An HTTP client that goes only where callbacks may go: a name's addresses are checked, and those are connected to."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.networks import Network, is_allowed

RESOLVER_THREADS: Final = 16
"""So many names may hang at once before other names wait."""
USER_AGENT: Final = "smppkit-gateway"
DNS_CACHE_SECONDS: Final = 10


class RefusedAddressError(OSError):
    """A name leads only to addresses that callbacks may not go to."""


class CheckedResolver(AbstractResolver):
    """Resolves names to those of their addresses that are allowed."""

    def __init__(self, exempt: Sequence[Network] = ()) -> None:
        self._exempt = exempt
        # Threads of its own: a name server that hangs must not take those that others need.
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="callback-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of a host.

        Raises:
            OSError: it has none, or none that is allowed.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._look_up, host, port, family)
        allowed = [one for one in found if is_allowed(ip_address(one["host"]), self._exempt)]
        if not allowed:
            raise RefusedAddressError(None, "the name leads to no public address")
        return allowed

    def _look_up(self, host: str, port: int, family: int) -> list[ResolveResult]:
        flags = socket.AI_ADDRCONFIG
        infos = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=flags)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=found_family,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, proto, _, address in infos
        ]

    async def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def checked_session(
    *, exempt: Sequence[Network], timeout_seconds: float, resolver: AbstractResolver | None = None
) -> aiohttp.ClientSession:
    """A client session for callbacks: checked addresses, no proxy, no cookies, nothing unpacked.

    Redirects are the caller's to refuse (`allow_redirects=False`), and literal addresses too (`check_url`): aiohttp
    resolves none of them.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver or CheckedResolver(exempt), limit=0, ttl_dns_cache=DNS_CACHE_SECONDS
        ),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT},
    )
