"""A user's program against `smpp` alone: `mypy --strict` reads it, nothing runs it."""

import asyncio
from collections.abc import AsyncIterator
from typing import assert_type

import smpp
from smpp import CommandStatus, dlt, tlv

PASSWORDS = {"demo": "secret"}
seen: list[str] = []


# A client: text, TLVs, receipts, errors


async def send_one(url: str) -> str:
    """Send a text and wait for its receipt."""
    config = smpp.ClientConfig(session=smpp.SessionConfig(window=20, enquire_link_seconds=15.0), system_type="VMS")
    tlvs = smpp.Tlvs.of(dlt.pe_id("110100001"), dlt.template_id("1107161513"), tlv.user_message_reference(7))
    try:
        async with smpp.connect(url, config=config, on_deliver=on_deliver, record="session.pcapng") as client:
            sent = await client.send(
                sender="INFO",
                to=smpp.Address(smpp.Ton.INTERNATIONAL, smpp.Npi.ISDN, "919876543210"),
                text="Your code is 4711",
                tlvs=tlvs,
                validity_seconds=300,
                method="udh16",
            )
            assert_type(sent, smpp.SentMessage)
            receipt = await sent.receipt(timeout=60)
            assert_type(receipt.state, smpp.MessageState | None)
            return f"{sent.message_ids} {receipt.state} {receipt.error}"
    except smpp.BindFailed as error:
        return f"{error.command_status:#x}"
    except smpp.SubmitRejected as error:
        if error.command_status == CommandStatus.ESME_RINVDSTADR:
            return "wrong number"
        raise
    except smpp.NotSent:
        return "send it again"
    except (smpp.ResponseTimeout, smpp.InDoubt):
        return "it may have been sent"
    except smpp.SmppError as error:
        return str(error)


async def on_deliver(message: smpp.DeliverSm | smpp.DataSm) -> int:
    """A message or a receipt: kept first, acknowledged afterwards."""
    receipt = smpp.receipt_of(message)
    if receipt is None:
        seen.append(smpp.text_of(message))
    elif receipt.is_final:
        seen.append(receipt.id)
    reference = message.tlvs.get(tlv.user_message_reference)
    assert_type(reference, int | None)
    state = message.tlvs.get(tlv.receipted_message_id)
    assert_type(state, str | None)
    return CommandStatus.ESME_ROK


async def by_hand(client: smpp.Client) -> None:
    """Single PDUs."""
    submission = await client.submit(
        smpp.SubmitSm(
            source_addr_ton=smpp.Ton.ALPHANUMERIC,
            source_addr="INFO",
            destination_addr="447700900123",
            registered_delivery=smpp.RegisteredDelivery.RECEIPT,
            data_coding=smpp.DataCoding.UCS2,
            short_message="é".encode("utf-16-be"),
        )
    )
    assert_type(submission.message_id, str)
    answer = await client.request(smpp.QuerySm(message_id=submission.message_id))
    if isinstance(answer, smpp.QuerySmResp):
        print(answer.message_state, answer.final_date)
    await client.request(smpp.EnquireLink())
    pdu = smpp.decode(smpp.encode(smpp.Unbind(), 1))
    assert_type(pdu.sequence_number, int)
    print(smpp.status_name(pdu.command_status), smpp.describe_status(0x58))


# A pool


async def messages() -> AsyncIterator[smpp.SubmitSm]:
    """What to send."""
    for number in range(10):
        yield smpp.SubmitSm(destination_addr=f"44770090012{number}", short_message=b"hi")


async def send_many(servers: list[str]) -> int:
    """Keep every window full; a rejection is a value, not the end."""
    config = smpp.PoolConfig(throttle_scope=smpp.ThrottleScope.SERVER, binds_per_server=2)
    refused = 0
    async with smpp.Pool(servers, system_id="demo", password="secret", config=config, on_deliver=on_deliver) as pool:
        await pool.wait_bound(1, timeout=10)
        for bind in pool.binds:
            assert_type(bind, smpp.BindStatus)
        async for message, outcome in pool.submit_all(messages()):
            if isinstance(outcome, smpp.Submission):
                print(message.destination_addr, outcome.message_id)
            else:
                refused += 1
    return refused


# A server


async def authenticate(session: smpp.ServerSession, bind: smpp.Bind) -> smpp.Grant | None:
    """Who may bind, and how often."""
    print(session.peer_address)
    return smpp.Grant("SMSC", max_binds=4) if PASSWORDS.get(bind.system_id) == bind.password else None


async def on_submit(session: smpp.ServerSession, request: smpp.SubmitSm) -> smpp.SubmitSmResp:
    """Take a message, and send its receipt later."""
    if not request.destination_addr.isdigit():
        raise smpp.Reject(CommandStatus.ESME_RINVDSTADR)
    payload: bytes = smpp.payload_of(request)
    if request.registered_delivery & smpp.RegisteredDelivery.RECEIPT and session.can_receive:
        answer = await session.request(smpp.DeliverSm(esm_class=smpp.EsmClass.DELIVERY_RECEIPT, short_message=payload))
        assert_type(answer.command_status, int)
    return smpp.SubmitSmResp(message_id="17a9", tlvs=smpp.NO_TLVS)


def on_query(session: smpp.ServerSession, request: smpp.QuerySm) -> smpp.QuerySmResp:
    """A handler need not be a coroutine."""
    return smpp.QuerySmResp(message_id=request.message_id, message_state=smpp.MessageState.ENROUTE)


async def serve() -> None:
    """Serve for ever."""
    recorder = smpp.Recorder("smsc.pcapng", max_octets=10_000_000, keep=3)
    async with smpp.serve(
        "smpp://127.0.0.1:2775",
        "smpps://127.0.0.1:3550",
        on_submit=on_submit,
        handlers={smpp.QuerySm: on_query},
        authenticate=authenticate,
        config=smpp.ServerConfig(max_connections=100),
        ssl_context=smpp.server_tls("cert.pem"),
        record=recorder,
    ) as server:
        assert_type(server.ports, tuple[int, ...])
        await asyncio.Event().wait()


# What the types do not allow


async def mistakes(client: smpp.Client) -> None:
    """Each line is an error, or its ignore would be one."""
    smpp.SubmitSm(destination_adr="1")  # type: ignore[call-arg]
    smpp.SubmitSm(short_message="text")  # type: ignore[arg-type]
    tlv.user_message_reference("7")  # type: ignore[arg-type]
    await client.submit(smpp.Unbind())  # type: ignore[arg-type]
    await client.send(to="1", text="hi")  # type: ignore[call-arg]
    smpp.serve(on_submit=on_query)  # type: ignore[arg-type]
