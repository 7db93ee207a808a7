"""100 hostile connections beside 4 good binds under load: the good ones lose nothing, memory stays bounded."""

import asyncio
import itertools
import random
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import smpp
from smpp import Role, ServerConfig, ServerSession, SessionConfig
from smpp.wire import encode

GOOD_BINDS = 4
MESSAGES_PER_BIND = 600
HOSTILE = 100
HOSTILE_ADDRESS = "127.0.0.66"

MOST_GROWTH_OCTETS = 48 * 1024 * 1024
"""Of the whole process: server, good clients and the hostile ones' own sockets."""

CONFIG = ServerConfig(
    session=SessionConfig(
        role=Role.SMSC, session_init_seconds=0.5, partial_pdu_seconds=0.5, write_stall_seconds=0.5, inbound_window=50
    ),
    max_unbound_per_address=60,
    bad_bind_delay_seconds=0.05,
    lock_out_after=5,
)

SUBMIT = encode(smpp.SubmitSm(destination_addr="1", short_message=b"x" * 100), 7)
BIND = encode(smpp.BindTransceiver("evil", "guess"), 1)
ENQUIRE = encode(smpp.EnquireLink(), 1)

Send = Callable[[bytes], Awaitable[None]]


# What the hostile ones do with a connection


async def junk(send: Send, chance: random.Random) -> None:
    await send(chance.randbytes(2000))


async def web(send: Send, _chance: random.Random) -> None:
    await send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10)


async def huge_length(send: Send, _chance: random.Random) -> None:
    await send(bytes.fromhex("7fffffff00000004") + bytes(5000))


async def slow_octets(send: Send, _chance: random.Random) -> None:
    for octet in BIND:
        await send(bytes((octet,)))
        await asyncio.sleep(0.05)


async def submits_without_a_bind(send: Send, _chance: random.Random) -> None:
    for _ in range(200):
        await send(SUBMIT * 50)


async def asks_without_reading(send: Send, _chance: random.Random) -> None:
    while True:
        await send(ENQUIRE * 5000)


async def guesses_passwords(send: Send, _chance: random.Random) -> None:
    for _ in range(50):
        await send(BIND)


async def says_nothing(_send: Send, _chance: random.Random) -> None:
    await asyncio.sleep(5)


async def binds_and_asks_without_reading(send: Send, _chance: random.Random) -> None:
    """A customer gone wrong: its password is right."""
    await send(encode(smpp.BindTransceiver("careless", "right"), 1))
    while True:
        await send(SUBMIT * 500)


async def leaves_in_the_middle(send: Send, _chance: random.Random) -> None:
    await send(BIND + SUBMIT[:30])


WAYS = (
    junk,
    web,
    huge_length,
    slow_octets,
    submits_without_a_bind,
    asks_without_reading,
    guesses_passwords,
    says_nothing,
    binds_and_asks_without_reading,
    leaves_in_the_middle,
)


async def attack(port: int, way: Callable[[Send, random.Random], Awaitable[None]], seed: int) -> None:
    """Connect, do it, and again, until cancelled; nothing is ever read."""
    loop, chance = asyncio.get_running_loop(), random.Random(seed)
    while True:
        with socket.socket() as sock, suppress(OSError):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.bind((HOSTILE_ADDRESS, 0))
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await way(lambda octets, sock=sock: loop.sock_sendall(sock, octets), chance)  # type: ignore[misc]
        await asyncio.sleep(0.01)


# The good ones


async def submit_all(client: smpp.Client, bind: int) -> list[str]:
    ids: list[str] = []
    numbers = iter(range(MESSAGES_PER_BIND))

    async def work() -> None:
        for number in numbers:
            message = smpp.SubmitSm(destination_addr=f"{bind}{number:05}", short_message=b"hello")
            ids.append((await client.submit(message)).message_id)

    await asyncio.gather(*(work() for _ in range(20)))
    return ids


def resident_octets() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


async def watch_memory(most: list[int]) -> None:
    while True:
        most[0] = max(most[0], resident_octets())
        await asyncio.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory where Linux shows it")
async def test_good_binds_lose_nothing_beside_hostile_ones_and_memory_stays_bounded() -> None:
    submitted: dict[str, str] = {}
    ids: Iterator[int] = itertools.count(1)

    async def on_submit(session: ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        await asyncio.sleep(0)
        if session.system_id == "good":
            submitted[request.destination_addr] = message_id = f"{next(ids)}"
            return smpp.SubmitSmResp(message_id)
        return smpp.SubmitSmResp("x")

    passwords = {"good": "right", "careless": "right"}
    server = smpp.serve(
        "smpp://127.0.0.1:0", on_submit=on_submit, authenticate=smpp.credentials(passwords), config=CONFIG
    )
    tasks: list[asyncio.Task[Any]] = []
    async with server:
        url = f"smpp://good:right@127.0.0.1:{server.ports[0]}?window=20&response_timeout=20"
        clients = [smpp.connect(url) for _ in range(GOOD_BINDS)]
        try:
            for client in clients:
                await client.__aenter__()
            before = resident_octets()
            most = [before]
            tasks.append(asyncio.create_task(watch_memory(most)))
            tasks += [
                asyncio.create_task(attack(server.ports[0], WAYS[number % len(WAYS)], number))
                for number in range(HOSTILE)
            ]
            await asyncio.sleep(0.2)
            answered = await asyncio.wait_for(
                asyncio.gather(*(submit_all(client, number) for number, client in enumerate(clients))), 60
            )
            assert all(client.is_bound for client in clients)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(client.close() for client in clients))
        await server.stop(0.5)
    assert sorted(itertools.chain(*answered)) == sorted(submitted.values())
    assert len(submitted) == GOOD_BINDS * MESSAGES_PER_BIND
    assert server.admission.connections == 0
    growth = most[0] - before
    print(f"memory grew by {growth / 1024 / 1024:.1f} MiB")
    assert growth < MOST_GROWTH_OCTETS
