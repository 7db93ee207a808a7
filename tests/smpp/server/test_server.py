"""The server over loopback: binds, requests, deliveries, and how it stops."""

import asyncio
import socket
from collections.abc import Awaitable
from typing import Any

import pytest

import smpp
from smpp import CommandStatus as Status
from smpp import Grant, Reject, ServerConfig, ServerSession, SessionConfig
from smpp.server import credentials, same_secret
from smpp.wire.pdu import Bind
from tests.smpp.peers import RawPeer

SUBMIT = smpp.SubmitSm(destination_addr="447700900123", short_message=b"hello")
HERE = "smpp://127.0.0.1:0"
QUICK = ServerConfig(bad_bind_delay_seconds=0.0)


def accept(_session: ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
    return smpp.SubmitSmResp(f"id-{request.destination_addr}")


async def gone(server: smpp.Server) -> None:
    """Wait until the server has noticed that everybody left."""
    async with asyncio.timeout(60):
        while server.sessions:
            await asyncio.gather(*(asyncio.shield(one.connection.lost) for one in list(server.sessions)))


# Requests


async def test_submit_is_answered_with_what_the_handler_returns() -> None:
    async with smpp.serve(HERE, on_submit=accept) as server, RawPeer(server.ports[0]) as peer:
        await peer.bind()
        assert await peer.ask(SUBMIT) == smpp.Pdu(smpp.SubmitSmResp("id-447700900123"), 2, 0)


async def test_handlers_are_found_by_type_and_what_has_none_is_refused() -> None:
    async def on_query(_session: ServerSession, query: smpp.QuerySm) -> smpp.QuerySmResp:
        return smpp.QuerySmResp(query.message_id, "", 2, 0)

    async with (
        smpp.serve(HERE, handlers={smpp.QuerySm: on_query}) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        await peer.bind()
        assert (await peer.ask(smpp.QuerySm("x"))).message == smpp.QuerySmResp("x", "", 2, 0)
        assert await peer.ask(SUBMIT) == smpp.Pdu(smpp.SubmitSmResp(), 3, Status.ESME_RINVCMDID)
        assert (await peer.ask(smpp.CancelSm())).command_status == Status.ESME_RINVCMDID


async def test_tap_sees_requests_first_and_may_answer_them() -> None:
    def tap(session: ServerSession, event: Any) -> bool:
        if event.message.short_message == b"mine":
            session.connection.respond(smpp.SubmitSmResp("tapped"), event.sequence_number)
            return True
        if event.message.short_message == b"fail":
            raise RuntimeError("clumsy")
        return False

    async with smpp.serve(HERE, on_submit=accept, on_request=tap) as server, RawPeer(server.ports[0]) as peer:
        await peer.bind()
        assert (await peer.ask(smpp.SubmitSm(short_message=b"mine"))).message == smpp.SubmitSmResp("tapped")
        assert (await peer.ask(smpp.SubmitSm(short_message=b"fail"))).command_status == Status.ESME_RSYSERR
        assert (await peer.ask(SUBMIT)).message == smpp.SubmitSmResp("id-447700900123")


async def test_deliver_goes_to_who_is_bound_to_receive() -> None:
    bound = asyncio.Event()
    async with (
        smpp.serve(HERE, on_bound=lambda _: bound.set()) as server,
        RawPeer(server.ports[0]) as peer,
        RawPeer(server.ports[0]) as sender,
    ):
        await peer.bind()
        await sender.ask(smpp.BindTransmitter("demo"))
        await bound.wait()
        (session,) = server.bound_sessions("demo")
        asked = asyncio.ensure_future(session.request(smpp.DeliverSm(short_message=b"mo")))
        request = await peer.read()
        assert request.message == smpp.DeliverSm(short_message=b"mo")
        peer.send((smpp.DeliverSmResp(), request.sequence_number, Status.ESME_RX_T_APPN))
        assert (await asked).command_status == Status.ESME_RX_T_APPN


async def test_callbacks_tell_of_a_connection_s_life() -> None:
    told: list[str] = []
    async with (
        smpp.serve(
            HERE,
            on_connected=lambda session: told.append(f"connected {session.system_id!r}"),
            on_bound=lambda session: told.append(f"bound {session.system_id!r}"),
            on_closed=lambda session, reason: told.append(f"closed {session.system_id!r}: {reason}"),
        ) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        await peer.bind()
        assert (await peer.ask(smpp.Unbind())).message == smpp.UnbindResp()
        assert await peer.read_to_end() == b""
    assert told == ["connected ''", "bound 'demo'", "closed 'demo': the peer unbound"]


async def test_callbacks_that_fail_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    def clumsy(*_: object) -> None:
        raise RuntimeError("clumsy")

    async with smpp.serve(
        HERE, on_submit=accept, on_connected=clumsy, on_bound=clumsy, on_closed=clumsy, on_room=clumsy
    ) as server:
        async with RawPeer(server.ports[0]) as peer:
            assert await peer.bind() == 0
            assert (await peer.ask(SUBMIT)).command_status == 0
        await gone(server)
        assert server.admission.connections == 0
    assert "failed" in caplog.text


# Authentication


def grant_demo(_session: ServerSession, bind: Bind) -> Grant | None:
    return Grant("OURS") if bind.password == "secret" else None


async def grant_demo_later(session: ServerSession, bind: Bind) -> Grant | None:
    await asyncio.sleep(0)
    return grant_demo(session, bind)


@pytest.mark.parametrize("authenticate", [grant_demo, grant_demo_later])
async def test_right_credentials_bind_and_wrong_ones_may_try_again(authenticate: Any) -> None:
    async with (
        smpp.serve(HERE, authenticate=authenticate, on_submit=accept, config=QUICK) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        assert await peer.bind(password="wrong") == Status.ESME_RBINDFAIL
        answer = await peer.ask(smpp.BindTransceiver("demo", "secret"))
        assert answer.command_status == 0
        assert answer.message.system_id == "OURS"  # type: ignore[attr-defined]
        assert (await peer.ask(SUBMIT)).command_status == 0


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Reject(Status.ESME_RINVSYSID), Status.ESME_RINVSYSID),
        (Reject(Status.ESME_RTHROTTLED), Status.ESME_RTHROTTLED),
        (KeyError("a mistake"), Status.ESME_RSYSERR),
    ],
    ids=repr,
)
async def test_authentication_that_raises_refuses(is_async: bool, error: Exception, status: int) -> None:
    def now(_session: ServerSession, _bind: Bind) -> Grant:
        raise error

    async def later(session: ServerSession, bind: Bind) -> Grant:
        return now(session, bind)

    async with (
        smpp.serve(HERE, authenticate=later if is_async else now, config=QUICK) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        assert await peer.bind() == status


async def test_unknown_account_and_wrong_password_get_the_same_answer_after_the_same_time() -> None:
    config = ServerConfig(bad_bind_delay_seconds=0.05)
    loop = asyncio.get_running_loop()
    async with (
        smpp.serve(HERE, authenticate=credentials({"demo": "secret"}), config=config) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        for system_id, password in (("demo", "wrong"), ("nobody", "secret")):
            began = loop.time()
            assert await peer.bind(system_id, password) == Status.ESME_RBINDFAIL
            assert loop.time() - began >= 0.05
        assert await peer.bind() == 0


async def test_authentication_ends_with_its_connection() -> None:
    cancelled, began = asyncio.Event(), asyncio.Event()

    async def slow(_session: ServerSession, _bind: Bind) -> Grant:
        began.set()
        try:
            await asyncio.sleep(100)
        finally:
            cancelled.set()
        return Grant()

    async with smpp.serve(HERE, authenticate=slow) as server:
        async with RawPeer(server.ports[0]) as peer:
            peer.send((smpp.BindTransceiver("demo"), 1))
            await began.wait()
            server.sessions.copy().pop().close("enough")
        await asyncio.wait_for(cancelled.wait(), 2)


async def test_guessing_passwords_locks_out_and_nobody_is_asked_any_more() -> None:
    asked: list[str] = []

    def authenticate(_session: ServerSession, bind: Bind) -> Grant | None:
        asked.append(bind.password)
        return Grant() if bind.password == "secret" else None

    config = ServerConfig(bad_bind_delay_seconds=0.0, lock_out_after=3, lock_out_seconds=60.0)
    async with smpp.serve(HERE, authenticate=authenticate, config=config) as server:
        async with RawPeer(server.ports[0]) as peer:
            for number in range(3):
                assert await peer.bind(password=f"guess{number}") == Status.ESME_RBINDFAIL
            assert await peer.bind() == Status.ESME_RBINDFAIL
        async with RawPeer(server.ports[0]) as peer:
            assert await peer.bind() == Status.ESME_RBINDFAIL
            assert await peer.bind("other") == 0
    assert asked == ["guess0", "guess1", "guess2", "secret"]


async def test_grant_names_where_an_account_may_come_from() -> None:
    grants = {"home": Grant(allow_from=("127.0.0.0/8",)), "away": Grant(allow_from=("192.0.2.0/24", "2001:db8::/32"))}
    async with (
        smpp.serve(HERE, authenticate=lambda _, bind: grants[bind.system_id], config=QUICK) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        assert await peer.bind("away") == Status.ESME_RBINDFAIL
        assert await peer.bind("home") == 0


def test_grants_and_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(smpp.EncodeError):
        Grant("a name of seventeen")
    with pytest.raises(ValueError, match="host bits set"):
        Grant(allow_from=("10.0.0.1/8",))
    with pytest.raises(ValueError, match="does not appear"):
        ServerConfig(proxy_from=("balancer",))


def test_secrets_are_compared_also_where_there_is_none() -> None:
    assert same_secret("secret", "secret")
    assert not same_secret("secret", "other")
    assert not same_secret("secret", None)
    assert not same_secret("", None)
    assert not same_secret("nobody has this password", None)
    assert same_secret("pässword", "pässword")


async def test_tap_and_handlers_see_nothing_of_who_is_not_bound() -> None:
    seen: list[object] = []

    def tap(_session: ServerSession, event: object) -> bool:
        seen.append(event)
        return False

    async with (
        smpp.serve(HERE, on_request=tap, on_submit=accept) as server,
        RawPeer(server.ports[0]) as peer,
    ):
        assert (await peer.ask(SUBMIT)).command_status == Status.ESME_RINVBNDSTS
    assert seen == []


# Stopping


async def test_stop_unbinds_and_waits_for_handlers() -> None:
    may_return = asyncio.Event()

    async def commits(_session: ServerSession, _request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        await may_return.wait()
        return smpp.SubmitSmResp("committed")

    server = smpp.serve(HERE, on_submit=commits)
    await server.start()
    async with RawPeer(server.ports[0]) as peer:
        await peer.bind()
        peer.send((SUBMIT, 2), (smpp.EnquireLink(), 3))
        assert (await peer.read()).sequence_number == 3
        stopping = asyncio.ensure_future(server.stop())
        await asyncio.sleep(0)
        may_return.set()
        assert await peer.read() == smpp.Pdu(smpp.SubmitSmResp("committed"), 2, 0)
        unbind = await peer.read()
        assert unbind.message == smpp.Unbind()
        peer.send((smpp.UnbindResp(), unbind.sequence_number))
        await stopping
        assert await peer.read_to_end() == b""
    assert server.sessions == set()


async def test_stop_does_not_wait_longer_than_it_may() -> None:
    server = smpp.serve(HERE)
    await server.start()
    async with RawPeer(server.ports[0]) as peer:
        await peer.bind()
        loop = asyncio.get_running_loop()
        began = loop.time()
        await server.stop(0.05)
        assert loop.time() - began < 2
        await peer.read_to_end()


async def test_listening_sockets_are_handed_over_without_a_gap() -> None:
    old = smpp.serve(HERE, on_submit=accept)
    await old.start()
    port = old.ports[0]
    async with RawPeer(port) as settled:
        await settled.bind()
        sockets = await old.hand_over()
        async with (
            RawPeer(port) as between,  # waits in the queue of the socket
            smpp.serve(f"smpp://127.0.0.1:{port}", sockets=sockets, on_submit=accept) as new,
        ):
            assert await between.bind() == 0
            assert (await settled.ask(SUBMIT)).command_status == 0
            assert len(old.sessions) == len(new.sessions) == 1
            stopping = asyncio.ensure_future(old.stop())
            unbind = await settled.read()
            settled.send((smpp.UnbindResp(), unbind.sequence_number))
            await stopping
            assert (await between.ask(SUBMIT)).command_status == 0
            between.writer.transport.abort()


async def test_two_servers_share_a_port_where_told() -> None:
    config = ServerConfig(reuse_port=True)
    async with (
        smpp.serve(HERE, config=config) as first,
        smpp.serve(f"smpp://127.0.0.1:{first.ports[0]}", config=config) as second,
    ):
        assert first.ports == second.ports


async def test_address_that_is_taken_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = smpp.serve(HERE, f"smpp://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(OSError, match="in use"):
            await server.start()
        assert server.ports == ()


async def test_server_listens_on_every_address_of_a_host() -> None:
    async with smpp.serve("smpp://localhost:0") as server:
        (group,) = server._listeners
        assert len({listener.address[1] for listener in group}) == 1


async def test_servers_that_cannot_be_are_refused() -> None:
    with pytest.raises(smpp.StateError):
        smpp.serve()
    with pytest.raises(ValueError, match="ssl_context"):
        await smpp.serve("smpps://127.0.0.1:0").start()
    with pytest.raises(ValueError, match="as many lists of sockets"):
        await smpp.serve(HERE, sockets=[]).start()


async def test_server_may_be_started_again() -> None:
    server = smpp.serve(HERE)
    for _ in range(2):
        async with server, RawPeer(server.ports[0]) as peer:
            peer.send((smpp.EnquireLink(), 1))
            assert (await peer.read()).message == smpp.EnquireLinkResp()


async def test_session_is_worth_looking_at() -> None:
    bound: asyncio.Future[ServerSession] = asyncio.get_running_loop().create_future()
    async with smpp.serve(HERE, on_bound=bound.set_result) as server, RawPeer(server.ports[0]) as peer:
        await peer.bind()
        session = await bound
        assert session.peer_address[0] == "127.0.0.1"
        assert repr(session).startswith(f"<ServerSession demo <Connection {session.name} <Session SMSC bound_trx")
        session.send(smpp.DeliverSm())
        await peer.read()
        await asyncio.wait_for(session.wait_bound(), 1)
        session.close("enough")
        assert not session.can_receive


async def test_awaitable_grants_of_any_kind_are_awaited() -> None:
    def authenticate(_session: ServerSession, _bind: Bind) -> Awaitable[Grant | None]:
        future: asyncio.Future[Grant | None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, Grant())
        return asyncio.shield(future)

    config = ServerConfig(session=SessionConfig(role=smpp.Role.SMSC))
    async with smpp.serve(HERE, authenticate=authenticate, config=config) as server, RawPeer(server.ports[0]) as peer:
        assert await peer.bind() == 0
