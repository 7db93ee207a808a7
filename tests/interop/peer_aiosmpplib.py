"""aiosmpplib as client; it has no server. It codes and decodes texts itself, and splits long ones."""

import asyncio
from typing import Any

from tests.interop.peers import HOST, PASSWORD, TIMEOUT, Text, peer_module

_TLV_OCTETS = {0x0204: 2, 0x0427: 1}
_UDHI = 0x40
_BIND_RESPONSES = (0x80000001, 0x80000002, 0x80000009)


class AiosmpplibClient:
    """aiosmpplib as an ESME."""

    name = "aiosmpplib"
    sends_vendor_tlvs = False
    sends_enquire_link = True
    tells_bind_status = True

    def __init__(self) -> None:
        self._lib: Any = peer_module("aiosmpplib")
        self._esme: Any = None
        self._task: asyncio.Task[None] | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._responses: asyncio.Queue[Any] = asyncio.Queue()
        self._bind_answer: asyncio.Queue[int] = asyncio.Queue()
        self._enquiries: asyncio.Queue[Any] = asyncio.Queue()
        self._delivered: asyncio.Queue[Any] = asyncio.Queue()
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._number = 0

    async def bind(self, port: int, mode: str, *, system_id: str = "peer", password: str = PASSWORD) -> int:
        lib, me = self._lib, self

        class Hook(lib.AbstractHook):  # type: ignore[misc, name-defined]
            """Hands on what comes."""

            async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
                """Nothing to do."""

            async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
                me._received(smpp_message, pdu)

            async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
                me._waiting.pop(smpp_message.log_id).set_exception(error)

        modes = {
            "tx": lib.BindMode.TRANSMITTER,
            "rx": lib.BindMode.RECEIVER,
            "trx": lib.BindMode.TRANSCEIVER,
        }
        self._esme = lib.ESME(
            smsc_host=HOST,
            smsc_port=port,
            system_id=system_id,
            password=password,
            bind_mode=modes[mode],
            hook=Hook(),
            log_level="CRITICAL",
        )
        self._task = asyncio.create_task(self._esme.start())
        return await asyncio.wait_for(self._bind_answer.get(), TIMEOUT)

    async def submit(self, text: Text) -> tuple[int, str]:
        response = await self._submit(text, esm_class=text.esm_class)
        return int(response.command_status), response.message_id

    async def submit_long(self, text: str) -> int:
        # One answer is handed out for all parts; the simulator knows how many came.
        await self._submit(Text(text), esm_class=_UDHI, auto_message_payload=False)
        return 0

    async def _submit(self, text: Text, **options: Any) -> Any:
        lib = self._lib
        self._number += 1
        name = str(self._number)
        future = self._waiting[name] = asyncio.get_running_loop().create_future()
        await self._esme.broker.enqueue(
            lib.SubmitSm(
                short_message=text.text,
                source=lib.PhoneNumber(text.source, lib.TON.INTERNATIONAL, lib.NPI.ISDN),
                destination=lib.PhoneNumber(text.destination, lib.TON.INTERNATIONAL, lib.NPI.ISDN),
                registered_delivery=text.registered_delivery,
                optional_params=[lib.OptionalParam(tag, int.from_bytes(value)) for tag, value in text.tlvs.items()],
                log_id=name,
                **options,
            )
        )
        return await asyncio.wait_for(future, TIMEOUT)

    async def delivered(self) -> Text:
        message = await asyncio.wait_for(self._delivered.get(), TIMEOUT)
        tlvs = {
            param.tag: param.value.encode() + b"\0"
            if isinstance(param.value, str)
            else param.value.to_bytes(_TLV_OCTETS.get(param.tag, 2))
            for param in message.optional_params
        }
        return Text(
            text=message.short_message,
            source=message.source.number,
            destination=message.destination.number,
            data_coding=int(self._lib.SmppDataCoding[message.encoding]) if message.encoding else 0,
            esm_class=message.esm_class,
            registered_delivery=message.registered_delivery,
            tlvs=tlvs,
        )

    async def enquire_link(self) -> int:
        await self._esme._send_data(self._lib.EnquireLink())
        return int((await asyncio.wait_for(self._enquiries.get(), TIMEOUT)).command_status)

    async def unbind(self) -> None:
        await self._esme.stop()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for writer in self._writers:  # it closes none of them
            writer.close()

    def _received(self, message: Any, pdu: bytes) -> None:
        lib = self._lib
        command_id, status = int.from_bytes(pdu[4:8]), int.from_bytes(pdu[8:12])
        if command_id in _BIND_RESPONSES:
            self._writers.append(self._esme._writer)
            self._bind_answer.put_nowait(status)
        elif type(message) is lib.DeliverSm:
            self._delivered.put_nowait(message)
        elif type(message) is lib.SubmitSmResp and message.log_id in self._waiting:
            self._waiting.pop(message.log_id).set_result(message)
        elif isinstance(message, lib.EnquireLinkResp):
            self._enquiries.put_nowait(message)
