"""Connections that never get as far as SMPP."""

import asyncio
import ssl

import pytest

from smpp.server import serve
from smpp.simulator import throw_away_tls


async def test_a_failed_tls_handshake_leaves_no_session_behind() -> None:
    tls = throw_away_tls()
    async with serve("smpps://127.0.0.1:0", ssl_context=tls.server_context) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", server.ports[0], ssl=ssl.create_default_context())
        assert server.sessions == set()
