"""The client over loopback, against a server of ours or one that the test plays."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme

import smpp
from smpp import BindMode, ClientConfig, CommandStatus, ReceiptDesk, ServerSession, SessionConfig
from smpp import CommandStatus as Status
from smpp.client import Link, compose, configure
from smpp.endpoint import Endpoint
from smpp.wire import NO_TLVS, encode
from tests.smpp.peers import PlayedServer, RawPeer

SUBMIT = smpp.SubmitSm(destination_addr="447700900123", registered_delivery=1, short_message=b"hello")
RECEIPT = smpp.DeliverSm(
    source_addr="447700900123",
    esm_class=4,
    short_message=b"id:id-1 sub:001 dlvrd:001 submit date:2608010000 done date:2608010001 stat:DELIVRD err:000 text:",
)
MESSAGE = smpp.DeliverSm(source_addr="447700900123", destination_addr="4711", short_message=b"hello")


def url(port: int, **options: object) -> str:
    query = "&".join(f"{key}={value}" for key, value in options.items())
    return f"smpp://demo:secret@127.0.0.1:{port}" + (f"?{query}" if query else "")


def connect(port: int, config: ClientConfig | None = None, **settings: Any) -> smpp.Client:
    return smpp.connect(url(port), config=config or ClientConfig(), **settings)


async def leave(peer: RawPeer) -> None:
    """Answer the client's unbind."""
    pdu = await peer.read()
    assert pdu.message == smpp.Unbind()
    peer.send((smpp.UnbindResp(), pdu.sequence_number))


def accept(_session: ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
    return smpp.SubmitSmResp("id-1")


# Binding


@pytest.mark.parametrize("mode", BindMode)
async def test_client_binds_as_the_url_says(mode: BindMode) -> None:
    bound: asyncio.Future[ServerSession] = asyncio.get_running_loop().create_future()
    async with smpp.serve("smpp://127.0.0.1:0", on_bound=bound.set_result) as server:
        async with smpp.connect(url(server.ports[0], bind=mode.value)) as client:
            was_bound = client.is_bound
            assert was_bound
            assert (await bound).bind_mode is mode
        assert not client.is_bound
        assert await client.closed == "unbound"


async def test_bind_carries_credentials_and_settings() -> None:
    config = ClientConfig(system_type="VMS", addr_ton=1, addr_npi=1, address_range="^44")
    async with PlayedServer() as server:
        opening = asyncio.ensure_future(connect(server.port, config, password="other").__aenter__())
        peer = await server.accept()
        pdu = await peer.read()
        assert pdu.message == smpp.BindTransceiver("demo", "other", "VMS", 0x34, 1, 1, "^44")
        opening.cancel()


async def test_refused_bind_is_an_error_with_its_status() -> None:
    async with PlayedServer() as server:
        opening = asyncio.ensure_future(connect(server.port).__aenter__())
        peer = await server.accept_bind(Status.ESME_RINVPASWD)
        with pytest.raises(smpp.BindFailed) as error:
            await opening
        assert error.value.command_status == Status.ESME_RINVPASWD
        assert await peer.read_to_end() == b""


async def test_nobody_listens_is_a_lost_connection() -> None:
    async with PlayedServer() as server:
        port = server.port
    with pytest.raises(smpp.ConnectionLost, match=f"127.0.0.1:{port}"):
        await connect(port).__aenter__()


@pytest.mark.parametrize("how", ["silent", "closes", "nonsense"])
async def test_server_that_does_not_answer_the_bind_is_a_lost_connection(how: str) -> None:
    async with PlayedServer() as server:
        opening = asyncio.ensure_future(connect(server.port, ClientConfig(connect_timeout_seconds=0.1)).__aenter__())
        peer = await server.accept()
        await peer.read()
        if how == "closes":
            peer.writer.close()
        elif how == "nonsense":
            peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(smpp.ConnectionLost):
            await opening
        if how == "silent":
            assert await peer.read_to_end() == b""


async def test_server_that_closes_at_once_is_a_lost_connection() -> None:
    async with (
        smpp.serve("smpp://127.0.0.1:0", config=smpp.ServerConfig(max_unbound=1)) as server,
        RawPeer(server.ports[0]) as only,
    ):
        await only.ask(smpp.EnquireLink())
        with pytest.raises(smpp.ConnectionLost):
            await connect(server.ports[0]).__aenter__()


async def test_credentials_that_cannot_be_are_our_own_mistake() -> None:
    async with PlayedServer() as server:
        with pytest.raises(smpp.EncodeError, match="password"):
            await connect(server.port, password="much too long").__aenter__()


async def test_what_comes_with_the_bind_response_reaches_the_handler() -> None:
    got: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    async with PlayedServer() as server:
        client = connect(server.port, on_deliver=got.set_result)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind(behind=encode(MESSAGE, 9))
        await opening
        assert await got == MESSAGE
        assert await peer.read() == smpp.Pdu(smpp.DeliverSmResp(), 9, 0)
        await asyncio.gather(client.close(), leave(peer))


async def test_client_that_is_not_open_says_so() -> None:
    client = connect(1)
    assert not client.is_bound
    with pytest.raises(smpp.ConnectionLost, match="is not connected"):
        await client.submit(SUBMIT)
    await client.close()
    assert repr(client) == "<Client 127.0.0.1:1>"


# Sending


async def test_submit_gives_the_id_and_rejections_raise() -> None:
    def on_submit(_session: ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp | int:
        return Status.ESME_RINVDSTADR if request.destination_addr == "0" else smpp.SubmitSmResp("id-1")

    async with smpp.serve("smpp://127.0.0.1:0", on_submit=on_submit) as server, connect(server.ports[0]) as client:
        submission = await client.submit(SUBMIT)
        assert (submission.message_id, submission.destination) == ("id-1", "447700900123")
        with pytest.raises(smpp.SubmitRejected) as error:
            await client.submit(smpp.SubmitSm(destination_addr="0"))
        assert error.value.command_status == Status.ESME_RINVDSTADR
        assert "submit_sm" in str(error.value)
        with pytest.raises(smpp.CommandFailed):
            await client.request(smpp.QuerySm("x"))
        with pytest.raises(smpp.EncodeError):
            await client.submit(smpp.SubmitSm(source_addr="x" * 40))
        assert client.in_flight == 0


@pytest.mark.parametrize("message", [SUBMIT, smpp.DataSm()])
async def test_generic_nack_is_a_rejection(message: Any) -> None:
    async with PlayedServer() as server:
        client = connect(server.port)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        submitting = asyncio.ensure_future(client.submit(message))
        pdu = await peer.read()
        peer.send((smpp.GenericNack(), pdu.sequence_number, 0))
        with pytest.raises(smpp.SubmitRejected):
            await submitting
        await asyncio.gather(client.close(), leave(peer))


async def test_text_is_coded_split_and_numbered() -> None:
    parts: list[smpp.SubmitSm] = []

    def on_submit(_session: ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        parts.append(request)
        return smpp.SubmitSmResp(f"id-{len(parts)}")

    async with smpp.serve("smpp://127.0.0.1:0", on_submit=on_submit) as server, connect(server.ports[0]) as client:
        short = await client.send(sender="INFO", to="+447700900123", text="hello", validity_seconds=3600)
        assert short.message_ids == ("id-1",)
        assert (parts[0].source_addr_ton, parts[0].source_addr) == (5, "INFO")
        assert (parts[0].dest_addr_ton, parts[0].dest_addr_npi, parts[0].destination_addr) == (1, 1, "447700900123")
        assert parts[0].validity_period == "000000010000000R"
        assert parts[0].registered_delivery == 1
        long = await client.send(sender="INFO", to="447700900123", text="x" * 200, receipt=False)
        assert long.message_ids == ("id-2", "id-3")
        assert [part.short_message[:6] for part in parts[1:]] == [
            b"\x05\x00\x03\x02\x02\x01",
            b"\x05\x00\x03\x02\x02\x02",
        ]
        assert parts[1].registered_delivery == 0


def test_references_run_from_1_to_255_and_begin_again() -> None:
    def reference(number: int) -> int:
        message = compose(
            sender="x",
            to="1",
            text="x" * 200,
            receipt=False,
            validity_seconds=None,
            tlvs=NO_TLVS,
            service_type="",
            reference=number,
            coding={},
        )[0]
        return message.short_message[3]

    assert [reference(number) for number in (1, 255, 256, 257, 511)] == [1, 255, 1, 2, 1]


async def test_requests_of_a_lost_link_say_whether_they_left() -> None:
    async with PlayedServer() as server:
        client = smpp.connect(url(server.port, window=1))
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        left, waits = (asyncio.ensure_future(client.submit(SUBMIT)) for _ in range(2))
        await peer.read()
        peer.writer.transport.abort()
        with pytest.raises(smpp.InDoubt):
            await left
        with pytest.raises(smpp.NotSent):
            await waits
        with pytest.raises(smpp.StateError):
            await client.submit(SUBMIT)
        await client.close()


async def test_close_waits_for_what_is_under_way() -> None:
    async with PlayedServer() as server:
        client = connect(server.port)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        submitting = asyncio.ensure_future(client.submit(SUBMIT))
        pdu = await peer.read()
        closing = asyncio.ensure_future(client.close())
        await asyncio.sleep(0)
        peer.send((smpp.SubmitSmResp("id-1"), pdu.sequence_number))
        assert (await submitting).message_id == "id-1"
        await leave(peer)
        await closing


async def test_window_bounds_what_is_in_flight() -> None:
    most = 0

    async def on_submit(_session: ServerSession, _request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        nonlocal most
        most = max(most, client.in_flight)
        await asyncio.sleep(0)
        return smpp.SubmitSmResp("x")

    async with (
        smpp.serve("smpp://127.0.0.1:0", on_submit=on_submit) as server,
        smpp.connect(url(server.ports[0], window=7)) as client,
    ):
        await asyncio.gather(*(client.submit(SUBMIT) for _ in range(200)))
    assert most == 7


async def test_link_tells_of_room_and_of_its_end_and_may_be_aborted() -> None:
    told: list[str] = []
    async with smpp.serve("smpp://127.0.0.1:0", on_submit=accept) as server:
        link = Link(
            Endpoint.parse(url(server.ports[0])),
            ClientConfig(),
            name="link",
            desk=ReceiptDesk(),
            on_room=lambda: told.append("room"),
            on_closed=told.append,
        )
        await link.open()
        told.clear()
        await link.connection.request(SUBMIT)
        assert told == ["room"]
        link.abort("enough")
        assert told[-1] == "enough"
        assert not link.is_bound
        await asyncio.wait_for(link.connection.lost, 1)


# Receiving


async def deliver(on_deliver: Any, message: smpp.Request = MESSAGE, **settings: Any) -> tuple[int, smpp.Response]:
    """What a client answers to a message: status and response."""
    bound: asyncio.Future[ServerSession] = asyncio.get_running_loop().create_future()
    async with (
        smpp.serve("smpp://127.0.0.1:0", on_bound=bound.set_result) as server,
        connect(server.ports[0], on_deliver=on_deliver, **settings),
    ):
        answer = await (await bound).request(message)
    return answer.command_status, answer.message


@pytest.mark.parametrize(
    ("returned", "status"),
    [(None, 0), (0, 0), (Status.ESME_RX_P_APPN, Status.ESME_RX_P_APPN), (smpp.DeliverSmResp(), 0)],
)
async def test_handler_s_word_is_the_answer(returned: Any, status: int) -> None:
    async def later(_message: object) -> Any:
        return returned

    assert await deliver(lambda _: returned) == (status, smpp.DeliverSmResp())
    assert await deliver(later) == (status, smpp.DeliverSmResp())


async def test_handler_that_fails_or_rejects_leaves_the_message_with_the_smsc() -> None:
    def fails(_message: object) -> None:
        raise KeyError("a mistake")

    async def rejects(_message: object) -> None:
        raise smpp.Reject(Status.ESME_RX_R_APPN)

    assert (await deliver(fails))[0] == Status.ESME_RX_T_APPN
    assert (await deliver(rejects))[0] == Status.ESME_RX_R_APPN


async def test_message_without_a_handler_is_refused_for_now_and_a_receipt_taken() -> None:
    assert (await deliver(None))[0] == Status.ESME_RX_T_APPN
    assert (await deliver(None, RECEIPT))[0] == 0
    assert (await deliver(None, smpp.DataSm(source_addr="1")))[0] == Status.ESME_RX_T_APPN


async def test_requests_that_are_not_for_an_esme_are_refused() -> None:
    async with PlayedServer() as server:
        client = connect(server.port)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        assert (await peer.ask(SUBMIT)).command_status == Status.ESME_RINVBNDSTS
        await asyncio.gather(client.close(), leave(peer))


async def test_alerts_reach_their_handler_and_are_not_answered() -> None:
    got: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    async with PlayedServer() as server:
        client = connect(server.port, on_alert=got.set_result)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        alert = smpp.AlertNotification(source_addr="1", esme_addr="2")
        peer.send((alert, 5))
        assert await got == alert
        assert (await peer.ask(smpp.EnquireLink())).message == smpp.EnquireLinkResp()
        await asyncio.gather(client.close(), leave(peer))


async def test_receipt_finds_its_submission_even_before_the_response() -> None:
    async def on_submit(session: ServerSession, _request: smpp.SubmitSm) -> smpp.SubmitSmResp:
        assert (await session.request(RECEIPT)).command_status == 0
        return smpp.SubmitSmResp("id-1")

    async with smpp.serve("smpp://127.0.0.1:0", on_submit=on_submit) as server, connect(server.ports[0]) as client:
        submission = await client.submit(SUBMIT)
        receipt = await submission.receipt(timeout=2)
        assert receipt.state is smpp.MessageState.DELIVERED


async def test_receipt_in_the_same_octets_as_the_response_need_not_wait_for_it() -> None:
    async with PlayedServer() as server:
        desk = ReceiptDesk()
        client = connect(server.port, desk=desk)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        submitting = asyncio.ensure_future(client.submit(SUBMIT))
        number = (await peer.read()).sequence_number
        peer.send((smpp.SubmitSmResp("id-1"), number), (RECEIPT, 1))
        assert (await (await submitting).receipt(timeout=2)).id == "id-1"
        assert (desk.counters.matched, desk.counters.parked) == (1, 0)
        assert (await peer.read()).message == smpp.DeliverSmResp()
        await asyncio.gather(client.close(), leave(peer))


async def test_receipt_for_a_submission_that_nobody_waits_for_any_more_is_matched() -> None:
    async with PlayedServer() as server:
        desk = ReceiptDesk()
        client = connect(server.port, desk=desk)
        opening = asyncio.ensure_future(client.__aenter__())
        peer = await server.accept_bind()
        await opening
        submitting = asyncio.ensure_future(client.submit(SUBMIT))
        number = (await peer.read()).sequence_number
        submitting.cancel()
        peer.send((smpp.SubmitSmResp("id-1"), number), (RECEIPT, 1))
        assert (await peer.read()).message == smpp.DeliverSmResp()
        assert (desk.counters.matched, desk.counters.parked) == (1, 0)
        await asyncio.gather(client.close(), leave(peer))


async def test_receipt_over_another_connection_finds_its_submission_through_a_shared_desk() -> None:
    desk = ReceiptDesk()
    sessions: list[ServerSession] = []
    async with (
        smpp.serve("smpp://127.0.0.1:0", on_submit=accept, on_bound=sessions.append) as server,
        connect(server.ports[0], desk=desk) as sender,
        connect(server.ports[0], desk=desk),
    ):
        submission = await sender.submit(SUBMIT)
        assert (await sessions[1].request(RECEIPT)).command_status == 0
        assert (await submission.receipt(timeout=2)).id == "id-1"


@pytest.mark.parametrize(("returned", "is_told"), [(None, True), (Status.ESME_RX_T_APPN, False)])
async def test_handler_that_keeps_receipts_decides_and_a_taken_one_is_told_on(returned: Any, is_told: bool) -> None:
    async def later(_message: object) -> Any:
        return returned

    handlers: tuple[Callable[[Any], Any], ...] = (lambda _: returned, later)
    for handler in handlers:
        sessions: list[ServerSession] = []
        async with (
            smpp.serve("smpp://127.0.0.1:0", on_submit=accept, on_bound=sessions.append) as server,
            connect(server.ports[0], on_deliver=handler) as client,
        ):
            submission = await client.submit(SUBMIT)
            assert (await sessions[0].request(RECEIPT)).command_status == (returned or 0)
            assert (submission.final is not None) is is_told


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = smpp.client_tls()
    authority.configure_trust(context)
    return context


async def test_tls_with_the_right_name_binds(authority: trustme.CA) -> None:
    context = server_context(authority, "smsc.example.net")
    async with (
        smpp.serve("smpps://127.0.0.1:0", ssl_context=context, on_submit=accept) as server,
        smpp.connect(
            f"smpps://demo@127.0.0.1:{server.ports[0]}",
            ssl_context=client_context(authority),
            config=ClientConfig(server_hostname="smsc.example.net"),
        ) as client,
    ):
        assert (await client.submit(SUBMIT)).message_id == "id-1"


@pytest.mark.parametrize("fault", ["wrong name", "unknown authority", "plain server"])
async def test_tls_that_cannot_be_verified_is_refused_before_any_password_leaves(
    authority: trustme.CA, fault: str
) -> None:
    seen: list[object] = []
    signer = trustme.CA() if fault == "unknown authority" else authority
    context = server_context(signer, "other.example.net" if fault == "wrong name" else "127.0.0.1")
    scheme = "smpp" if fault == "plain server" else "smpps"
    async with smpp.serve(
        f"{scheme}://127.0.0.1:0", ssl_context=context, authenticate=lambda _, bind: seen.append(bind)
    ) as server:
        with pytest.raises(smpp.ConnectionLost):
            await smpp.connect(
                f"smpps://demo:secret@127.0.0.1:{server.ports[0]}", ssl_context=client_context(authority)
            ).__aenter__()
    assert seen == []


async def test_server_that_wants_a_client_certificate_gets_one(authority: trustme.CA) -> None:
    context = server_context(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with_certificate = client_context(authority)
    authority.issue_cert("demo@example.net").configure_cert(with_certificate)
    async with smpp.serve("smpps://127.0.0.1:0", ssl_context=context) as server:
        address = f"smpps://demo@127.0.0.1:{server.ports[0]}"
        async with smpp.connect(address, ssl_context=with_certificate) as client:
            assert client.is_bound
        with pytest.raises(smpp.ConnectionLost):
            await smpp.connect(address, ssl_context=client_context(authority)).__aenter__()


# Settings


def test_url_options_become_settings() -> None:
    endpoint = Endpoint.parse("smpp://h?window=5&enquire_link=7&response_timeout=8.5&system_type=VMS&address_range=^4")
    config = configure(ClientConfig(), endpoint)
    assert config.session == SessionConfig(window=5, enquire_link_seconds=7.0, response_timeout_seconds=8.5)
    assert (config.system_type, config.address_range) == ("VMS", "^4")
    assert configure(ClientConfig(), Endpoint.parse("smpp://h?long_password=yes")).session.long_passwords


@pytest.mark.parametrize(
    "query", ["window=0", "window=many", "enquire_link=-1", "enquire_link=nan", "long_password=1", "colour=red"]
)
def test_url_options_that_cannot_be_are_refused(query: str) -> None:
    with pytest.raises(smpp.InvalidUrl, match=query.partition("=")[0]):
        smpp.connect(f"smpp://h?{query}")


def test_status_words_are_those_of_the_specification() -> None:
    assert int(CommandStatus.ESME_RX_T_APPN) == 0x64
