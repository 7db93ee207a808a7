"""What a server lets in: limits, rates, strangers, proxies, TLS."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

import pytest
import trustme

import smpp
from smpp import BindMode, Grant, Role, ServerConfig, ServerSession, SessionConfig
from smpp import CommandStatus as Status
from smpp.proxy_protocol import V2_SIGNATURE
from smpp.wire import Tlvs, encode, tlv
from smpp.wire.types import SmeAddress
from tests.smpp.peers import RawPeer

HERE = "smpp://127.0.0.1:0"
SUBMIT = smpp.SubmitSm(short_message=b"hello")


def accept(_session: ServerSession, _request: Any) -> smpp.SubmitSmResp:
    return smpp.SubmitSmResp("id")


def session(**settings: Any) -> SessionConfig:
    return SessionConfig(role=Role.SMSC, **settings)


async def gone(server: smpp.Server) -> None:
    """Wait until the server has noticed that everybody left."""
    async with asyncio.timeout(60):
        while server.sessions:
            await asyncio.gather(*(asyncio.shield(one.connection.lost) for one in list(server.sessions)))


# Connections


@pytest.mark.parametrize(
    "limit",
    [{"max_connections": 1}, {"max_unbound": 1}, {"max_unbound_per_address": 1}],
    ids=lambda limit: next(iter(limit)),
)
async def test_connection_beyond_a_limit_is_closed_at_once_and_a_free_place_taken(limit: dict[str, int]) -> None:
    async with smpp.serve(HERE, config=ServerConfig(**limit)) as server:  # type: ignore[arg-type]
        async with RawPeer(server.ports[0]) as first:
            assert (await first.ask(smpp.EnquireLink())).command_status == 0
            async with RawPeer(server.ports[0]) as second:
                assert await second.read_to_end() == b""
        await gone(server)
        async with RawPeer(server.ports[0]) as third:
            assert await third.bind() == 0


async def test_connections_that_do_not_bind_leave_room_for_those_that_do() -> None:
    config = ServerConfig(max_connections=100, max_unbound=2)
    async with smpp.serve(HERE, config=config) as server, RawPeer(server.ports[0]) as bound:
        assert await bound.bind() == 0
        async with RawPeer(server.ports[0]) as one, RawPeer(server.ports[0]) as two, RawPeer(server.ports[0]) as three:
            for peer in (one, two):
                assert (await peer.ask(smpp.EnquireLink())).command_status == 0
            assert await three.read_to_end() == b""
            assert (await bound.ask(smpp.EnquireLink())).command_status == 0


async def test_connection_that_does_not_bind_is_closed() -> None:
    async with smpp.serve(HERE, config=ServerConfig(session=session(session_init_seconds=0.05))) as server:
        async with RawPeer(server.ports[0]) as peer:
            assert await peer.read_to_end() == b""
        assert server.admission.connections == 0


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"AMQP\x00\x00\x09\x01",
        b"\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: mstshash=hello\r\n",
    ],
    ids=["http", "tls", "ssh", "amqp", "rdp"],
)
async def test_clients_of_other_protocols_are_closed_without_a_word(octets: bytes) -> None:
    reasons: list[str] = []
    async with (
        smpp.serve(HERE, on_closed=lambda _, reason: reasons.append(reason)) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        peer.send(octets)
        assert await peer.read_to_end() == b""
    assert len(reasons) == 1
    assert reasons[0].startswith("the peer speaks ")


async def test_length_of_gigabytes_is_refused_before_anything_is_kept() -> None:
    async with smpp.serve(HERE) as server, RawPeer(server.ports[0]) as peer:
        peer.send(bytes.fromhex("7fffffff00000009"))
        answer = await peer.read()
        assert (answer.message, answer.command_status) == (smpp.GenericNack(), Status.ESME_RINVCMDLEN)
        assert await peer.read_to_end() == b""


async def test_message_of_the_largest_payload_passes_once_bound_and_not_before() -> None:
    large = smpp.SubmitSm(tlvs=Tlvs.of(tlv.message_payload(b"x" * 0xFFFF)))
    async with smpp.serve(HERE, on_submit=accept) as server:
        async with RawPeer(server.ports[0]) as peer:
            await peer.bind()
            assert (await peer.ask(large)).command_status == 0
        async with RawPeer(server.ports[0]) as peer:
            peer.send(encode(large, 1)[:100])
            assert (await peer.read()).message == smpp.GenericNack()


# Binds


@pytest.mark.parametrize("how", ["unbind", "half close", "reset", "nonsense", "silence", "server closes", "own unbind"])
async def test_place_of_a_bind_is_free_again_however_it_ended(how: str) -> None:
    timers = session(enquire_link_seconds=0.05, response_timeout_seconds=0.05) if how == "silence" else session()
    config = ServerConfig(session=timers)
    async with smpp.serve(HERE, authenticate=lambda *_: Grant(max_binds=1), config=config) as server:
        async with RawPeer(server.ports[0]) as peer:
            assert await peer.bind() == 0
            async with RawPeer(server.ports[0]) as second:
                assert await second.bind() == Status.ESME_RALYBND
            (bound,) = (one for one in server.sessions if one.system_id)
            if how == "unbind":
                await peer.ask(smpp.Unbind())
            elif how == "half close":
                peer.writer.write_eof()
            elif how == "reset":
                peer.writer.transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                peer.writer.transport.abort()
            elif how == "nonsense":
                peer.send(b"\xff" * 16)
            elif how == "server closes":
                bound.close("enough")
            elif how == "own unbind":
                ending = asyncio.ensure_future(bound.unbind())
                request = await peer.read()
                peer.send((smpp.UnbindResp(), request.sequence_number))
                await ending
            await asyncio.wait_for(asyncio.shield(bound.connection.lost), 5)
        await gone(server)
        assert server.admission.binds("demo") == 0
        async with RawPeer(server.ports[0]) as third:
            assert await third.bind() == 0


async def test_binds_are_limited_by_mode_and_counted_by_account() -> None:
    grant = Grant(account="customer", max_binds=3, max_binds_by_mode={BindMode.TRANSMITTER: 1})
    async with smpp.serve(HERE, authenticate=lambda *_: grant) as server:
        peers = [RawPeer(server.ports[0]) for _ in range(5)]
        statuses = []
        requests = (
            smpp.BindTransmitter("one"),
            smpp.BindTransmitter("two"),
            smpp.BindReceiver("two"),
            smpp.BindReceiver("three"),
            smpp.BindReceiver("four"),
        )
        for peer, request in zip(peers, requests, strict=True):
            await peer.__aenter__()
            statuses.append((await peer.ask(request)).command_status)
        for peer in peers:
            await peer.__aexit__(None, None, None)
    assert statuses == [0, Status.ESME_RALYBND, 0, 0, Status.ESME_RALYBND]


async def test_anonymous_binds_free_what_they_held() -> None:
    async with smpp.serve(HERE) as server:
        async with RawPeer(server.ports[0]) as first, RawPeer(server.ports[0]) as second:
            assert await first.bind("") == 0
            assert await second.bind("") == 0
            assert server.admission.binds("") == 2
        await gone(server)
        assert server.admission.binds("") == 0
        assert server.admission.connections == 0


# Rates


async def test_account_that_is_too_fast_is_throttled_over_all_its_binds() -> None:
    grant = Grant(requests_per_second=0.001, burst=3)
    async with (
        smpp.serve(HERE, on_submit=accept, authenticate=lambda *_: grant) as server,
        RawPeer(server.ports[0]) as one,
        RawPeer(server.ports[0]) as two,
        RawPeer(server.ports[0]) as other,
    ):
        for peer, name in ((one, "demo"), (two, "demo"), (other, "other")):
            assert await peer.bind(name) == 0
        statuses = [(await peer.ask(SUBMIT)).command_status for peer in (one, two, one, two, other)]
        assert statuses == [0, 0, 0, Status.ESME_RTHROTTLED, 0]
        assert (await one.ask(smpp.EnquireLink())).command_status == 0


async def test_new_bind_does_not_begin_with_a_full_bucket() -> None:
    grant = Grant(requests_per_second=0.001, burst=1)
    async with smpp.serve(HERE, on_submit=accept, authenticate=lambda *_: grant) as server:
        for expected in (0, Status.ESME_RTHROTTLED):
            async with RawPeer(server.ports[0]) as peer:
                await peer.bind()
                assert (await peer.ask(SUBMIT)).command_status == expected
            await gone(server)


async def test_destinations_of_a_submit_multi_count_one_by_one() -> None:
    grant = Grant(requests_per_second=0.001, burst=5)
    multi = smpp.SubmitMulti(dest_addresses=tuple(SmeAddress(1, 1, str(number)) for number in range(4)))
    huge = smpp.SubmitMulti(dest_addresses=tuple(SmeAddress(1, 1, str(number)) for number in range(100)))

    def on_multi(_session: ServerSession, _request: smpp.SubmitMulti) -> int:
        return 0

    async with (
        smpp.serve(HERE, handlers={smpp.SubmitMulti: on_multi}, authenticate=lambda *_: grant) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        await peer.bind()
        assert (await peer.ask(multi)).command_status == 0
        assert (await peer.ask(multi)).command_status == Status.ESME_RTHROTTLED
        assert (await peer.ask(huge)).command_status == Status.ESME_RTHROTTLED


def test_burst_has_room_for_a_long_message() -> None:
    assert Grant(requests_per_second=2).burst_size == 10
    assert Grant(requests_per_second=50.5).burst_size == 51
    assert Grant(requests_per_second=50, burst=4).burst_size == 4


# PROXY protocol

V1 = b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 2775\r\n"
V2 = V2_SIGNATURE + b"\x21\x11" + struct.pack(">H4s4sHH", 12, bytes((203, 0, 113, 9)), bytes(4), 40000, 2775)


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("piecemeal", [False, True])
async def test_proxy_says_who_is_there(header: bytes, piecemeal: bool) -> None:
    bound: asyncio.Future[ServerSession] = asyncio.get_running_loop().create_future()
    config = ServerConfig(proxy_from=("127.0.0.0/8",))
    async with (
        smpp.serve(HERE, config=config, on_bound=bound.set_result) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        octets = header + encode(smpp.BindTransceiver("demo"), 1)
        for octet in octets if piecemeal else ():
            peer.send(bytes((octet,)))
            await asyncio.sleep(0)
        if not piecemeal:
            peer.send(octets)
        assert (await peer.read()).command_status == 0
        session_ = await bound
        assert session_.peer_address == ("203.0.113.9", 40000)
        assert session_.visit.address == "203.0.113.9"


@pytest.mark.parametrize(
    "octets",
    [encode(smpp.BindTransceiver("demo"), 1), b"PROXY nonsense\r\n" + b" " * 20, b"PROXY TCP4"],
    ids=["none", "bad", "cut"],
)
async def test_trusted_network_has_to_send_a_header(octets: bytes) -> None:
    config = ServerConfig(proxy_from=("127.0.0.1",), session=session(session_init_seconds=0.2))
    async with smpp.serve(HERE, config=config) as server, RawPeer(server.ports[0]) as peer:
        peer.send(octets)
        assert await peer.read_to_end() == b""
        assert server.admission.connections == 0


async def test_header_of_anybody_else_is_not_believed() -> None:
    reasons: list[str] = []
    config = ServerConfig(proxy_from=("192.0.2.0/24",))
    async with (
        smpp.serve(HERE, config=config, on_closed=lambda _, reason: reasons.append(reason)) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        peer.send(V1)
        assert await peer.read_to_end() == b""
    assert reasons == ["the peer speaks PROXY protocol, not SMPP"]


async def test_limits_count_the_address_behind_the_proxy() -> None:
    config = ServerConfig(proxy_from=("127.0.0.1",), max_unbound_per_address=1)
    async with (
        smpp.serve(HERE, config=config) as server,
        RawPeer(server.ports[0]) as one,
        RawPeer(server.ports[0]) as two,
        RawPeer(server.ports[0]) as three,
    ):
        one.send(V1)
        assert (await one.ask(smpp.EnquireLink())).command_status == 0
        two.send(V1.replace(b".9 ", b".8 "))
        assert (await two.ask(smpp.EnquireLink())).command_status == 0
        three.send(V1)
        assert await three.read_to_end() == b""


# TLS


class Tls:
    """An authority, a server's certificate, and contexts of all kinds."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("localhost").configure_cert(self.server)

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def tls() -> Tls:
    return Tls()


async def test_tls_listener_serves_as_a_plain_one_does(tls: Tls) -> None:
    async with (
        smpp.serve("smpps://127.0.0.1:0", ssl_context=tls.server, on_submit=accept) as server,
        RawPeer(server.ports[0], tls=tls.client(), name="localhost") as peer,
    ):
        assert await peer.bind() == 0
        assert (await peer.ask(SUBMIT)).command_status == 0


async def test_proxy_header_comes_before_the_tls_handshake(tls: Tls) -> None:
    bound: asyncio.Future[ServerSession] = asyncio.get_running_loop().create_future()
    config = ServerConfig(proxy_from=("127.0.0.1",))
    async with smpp.serve(
        "smpps://127.0.0.1:0", ssl_context=tls.server, config=config, on_bound=bound.set_result
    ) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[0])
        writer.write(V1)
        await writer.start_tls(tls.client(), server_hostname="localhost")
        writer.write(encode(smpp.BindTransceiver("demo"), 1))
        assert (await reader.readexactly(16))[8:12] == bytes(4)
        assert (await bound).peer_address == ("203.0.113.9", 40000)
        writer.transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("octets", [b"", b"GET / HTTP/1.1\r\n\r\n", bytes.fromhex("00000010") * 4])
async def test_handshake_that_fails_or_stalls_frees_its_place(tls: Tls, octets: bytes) -> None:
    config = ServerConfig(session=session(session_init_seconds=0.1), max_connections=1)
    told: list[object] = []
    async with smpp.serve(
        "smpps://127.0.0.1:0",
        ssl_context=tls.server,
        config=config,
        on_connected=told.append,
        on_closed=lambda *event: told.append(event),
    ) as server:
        async with RawPeer(server.ports[0]) as peer:
            peer.send(octets)
            await peer.read_to_end()
        await asyncio.wait_for(_until(lambda: not server.admission.connections), 5)
        async with RawPeer(server.ports[0], tls=tls.client(), name="localhost") as good:
            assert await good.bind() == 0
    assert len(told) == 2  # the good one alone


async def test_handshakes_under_way_count_as_connections(tls: Tls) -> None:
    config = ServerConfig(max_unbound_per_address=1)
    async with (
        smpp.serve("smpps://127.0.0.1:0", ssl_context=tls.server, config=config) as server,
        RawPeer(server.ports[0]),
        RawPeer(server.ports[0]) as second,
    ):
        assert await second.read_to_end() == b""
        assert server.admission.connections == 1


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - nobody tells of a handshake that failed
        await asyncio.sleep(0.001)
