"""A listening socket: whoever comes, and what happens when nobody can be taken."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from smpp.listener import Listener, listen


class Guest(asyncio.Protocol):
    """Somebody who is let in (smpp.listener.Guest)."""

    def __init__(self) -> None:
        self.made: asyncio.Future[asyncio.BaseTransport] = asyncio.get_running_loop().create_future()
        self.is_abandoned = False

    def protocol(self) -> asyncio.Protocol:
        return self

    def abandoned(self) -> None:
        self.is_abandoned = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made.set_result(transport)


async def one_socket() -> socket.socket:
    (sock,) = await listen("127.0.0.1", 0, backlog=5)
    return sock


async def test_listener_lets_in_whom_it_is_told_to() -> None:
    guest, addresses = Guest(), []

    def admit(address: tuple[str, int]) -> Guest:
        addresses.append(address[0])
        return guest

    listener = Listener(await one_socket(), admit)
    listener.start()
    reader, writer = await asyncio.open_connection(*listener.address)
    transport = await asyncio.wait_for(guest.made, 2)
    assert addresses == ["127.0.0.1"]
    assert not guest.is_abandoned
    await listener.stop()
    transport.close()
    assert await reader.read() == b""
    writer.close()
    assert repr(listener).startswith("<Listener ")


async def test_stopped_listener_closes_its_socket_unless_somebody_goes_on_with_it() -> None:
    for keep in (False, True):
        listener = Listener(await one_socket(), lambda _: None)
        listener.start()
        await listener.stop(keep_socket=keep)
        assert (listener.socket.fileno() < 0) is not keep
        listener.socket.close()


@pytest.mark.parametrize(("number", "is_logged"), [(errno.EMFILE, True), (errno.ECONNABORTED, False)])
async def test_listener_goes_on_after_an_error(
    number: int, is_logged: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("smpp.listener._PAUSE_SECONDS", 0.001)
    loop, errors = asyncio.get_running_loop(), [OSError(number, "no")]
    sock_accept = loop.sock_accept

    async def fails_once(sock: socket.socket) -> Any:
        if errors:
            raise errors.pop()
        return await sock_accept(sock)

    monkeypatch.setattr(loop, "sock_accept", fails_once)
    came = asyncio.Event()
    listener = Listener(await one_socket(), lambda _: came.set())
    listener.start()
    reader, writer = await asyncio.open_connection(*listener.address)
    await asyncio.wait_for(came.wait(), 2)
    assert await reader.read() == b""
    writer.close()
    await listener.stop()
    assert ("no connection can be taken" in caplog.text) is is_logged


async def test_port_is_not_shared_unless_told() -> None:
    sock = await one_socket()
    with sock, pytest.raises(OSError, match="in use"):
        await listen("127.0.0.1", sock.getsockname()[1], backlog=5)


async def test_host_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(OSError):
        await listen("no such host", 0, backlog=5)
