"""An SMSC asks an ESME to bind, both sides ours, over loopback."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

import smpp
from smpp import CommandStatus as Status
from smpp.tools.capture import read_capture
from tests.smpp.peers import RawPeer

SMSCS = {"SMSC": "theirs"}


def url(port: int, password: str = "theirs", scheme: str = "smpp") -> str:  # noqa: S107
    return f"{scheme}://SMSC:{password}@127.0.0.1:{port}"


async def test_esme_binds_when_it_is_asked_and_gets_its_messages() -> None:
    got: list[object] = []
    async with (
        smpp.listen_for_outbind("smpp://demo:ours@127.0.0.1:0?bind=rx", smscs=SMSCS, on_deliver=got.append) as door,
        smpp.serve("smpp://127.0.0.1:0", authenticate=smpp.credentials({"demo": "ours"})) as server,
    ):
        session, client = await asyncio.gather(server.outbind(url(door.port)), door.accept())
        assert (session.system_id, session.bind_mode) == ("demo", smpp.BindMode.RECEIVER)
        message = smpp.DeliverSm(short_message=b"hello")
        assert (await session.request(message)).command_status == 0
        assert got == [message]
        assert server.admission.binds("demo") == 1
        await client.close()
        assert session not in server.sessions
        assert server.admission.connections == 0


async def test_recording_shows_the_smsc_as_the_one_that_connected(tmp_path: Path) -> None:
    path = tmp_path / "outbind.pcapng"
    config = smpp.ClientConfig(recorder=smpp.Recorder(path))
    async with (
        smpp.listen_for_outbind("smpp://demo:ours@127.0.0.1:0?bind=rx", smscs=SMSCS, config=config) as door,
        smpp.serve("smpp://127.0.0.1:0", authenticate=smpp.credentials({"demo": "ours"})) as server,
    ):
        _, client = await asyncio.gather(server.outbind(url(door.port)), door.accept())
        await client.close()
        ours = f"127.0.0.1:{door.port}"
    with path.open("rb") as file:
        outbind, bind, *_ = read_capture(file)
    assert (smpp.decode(outbind.octets).message.command_name, outbind.destination) == ("outbind", ours)
    assert (smpp.decode(bind.octets).message.command_name, bind.source) == ("bind_receiver", ours)


async def test_smsc_with_a_wrong_password_is_not_served() -> None:
    async with (
        smpp.listen_for_outbind("smpp://demo:ours@127.0.0.1:0", smscs=SMSCS) as door,
        smpp.serve("smpp://127.0.0.1:0") as server,
    ):
        for address in (url(door.port, "wrong"), url(door.port).replace("SMSC", "OTHER")):
            with pytest.raises(smpp.ConnectionLost, match="did not bind"):
                await server.outbind(address, timeout=5)
        assert server.admission.connections == 0


async def test_smsc_that_asks_nothing_is_closed_and_its_commands_refused() -> None:
    config = smpp.ClientConfig(session=smpp.SessionConfig(session_init_seconds=0.1))
    async with (
        smpp.listen_for_outbind("smpp://demo@127.0.0.1:0", smscs=SMSCS, config=config) as door,
        RawPeer(door.port) as peer,
    ):
        assert (await peer.ask(smpp.DeliverSm())).command_status == Status.ESME_RINVBNDSTS
        assert await peer.read_to_end() == b""


async def test_connections_are_limited() -> None:
    async with (
        smpp.listen_for_outbind("smpp://demo@127.0.0.1:0", smscs=SMSCS, max_connections=1) as door,
        RawPeer(door.port) as first,
    ):
        await first.ask(smpp.EnquireLink())
        async with RawPeer(door.port) as second:
            assert await second.read_to_end() == b""


async def test_bind_that_the_smsc_refuses_gives_no_client() -> None:
    async with (
        smpp.listen_for_outbind("smpp://demo:wrong@127.0.0.1:0", smscs=SMSCS) as door,
        smpp.serve(
            "smpp://127.0.0.1:0",
            authenticate=smpp.credentials({"demo": "ours"}),
            config=smpp.ServerConfig(bad_bind_delay_seconds=0.0),
        ) as server,
    ):
        with pytest.raises(smpp.ConnectionLost):
            await server.outbind(url(door.port), timeout=5)
        assert door._clients.empty()


async def test_esme_that_does_not_listen_or_bind_is_a_lost_connection() -> None:
    async with smpp.serve("smpp://127.0.0.1:0") as server, smpp.serve("smpp://127.0.0.1:0") as other:
        port = other.ports[0]
        with pytest.raises(smpp.ConnectionLost):  # an SMSC takes no outbind and drops it
            await server.outbind(url(port), timeout=0.1)
        await other.stop()
        with pytest.raises(smpp.ConnectionLost):
            await server.outbind(url(port))
        assert server.admission.connections == 0


async def test_outbind_over_tls_verifies_who_listens() -> None:
    authority = trustme.CA()
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(listening)
    trusting = smpp.client_tls()
    authority.configure_trust(trusting)
    async with (
        smpp.listen_for_outbind("smpps://demo@127.0.0.1:0", smscs=SMSCS, ssl_context=listening) as door,
        smpp.serve("smpp://127.0.0.1:0") as server,
    ):
        address = url(door.port, scheme="smpps")
        session, client = await asyncio.gather(server.outbind(address, ssl_context=trusting), door.accept())
        assert client.is_bound
        await client.close()
        with pytest.raises(smpp.ConnectionLost):
            await server.outbind(address)
        assert session.system_id == "demo"


async def test_clients_that_nobody_took_are_closed_with_the_door() -> None:
    async with smpp.serve("smpp://127.0.0.1:0") as server:
        async with smpp.listen_for_outbind("smpp://demo@127.0.0.1:0", smscs=SMSCS) as door:
            session = await server.outbind(url(door.port))
        await asyncio.wait_for(session.connection.lost, 5)


def test_doors_that_cannot_be_are_refused() -> None:
    with pytest.raises(smpp.StateError, match="ssl_context"):
        smpp.listen_for_outbind("smpps://demo@127.0.0.1:0", smscs=SMSCS)
    with pytest.raises(smpp.InvalidUrl):
        smpp.listen_for_outbind("smpp://demo@127.0.0.1:0?colour=red", smscs=SMSCS)
