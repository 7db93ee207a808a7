"""smpp34 (Rust) as client and as server. It shows octets; texts are coded by hand in the tests."""

import asyncio
from typing import Any

from tests.interop.peers import HOST, PASSWORD, REFUSED_DESTINATION, TIMEOUT, Text, peer_module
from tests.ports import free_port

_UDHI = 0x40
_GSM_PART, _UCS2_PART = 153, 134
_INVALID_DESTINATION = 0x0B


def _arguments(smpp34: Any, text: Text) -> dict[str, Any]:
    assert text.octets is not None
    return {
        "source_addr": text.source,
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "esm_class": text.esm_class | (_UDHI if text.udh else 0),
        "data_coding": text.data_coding,
        "registered_delivery": text.registered_delivery,
        "tlvs": [smpp34.Tlv(tag, value) for tag, value in text.tlvs.items()],
    }


def _text(event: Any) -> Text:
    octets, tlvs = event.short_message, {tlv.tag: tlv.value for tlv in event.tlvs}
    octets = octets or tlvs.get(0x0424, b"")
    cut = octets[0] + 1 if event.esm_class & _UDHI else 0
    return Text(
        octets=octets[cut:],
        udh=octets[:cut],
        source=event.source_addr,
        destination=event.destination_addr,
        data_coding=event.data_coding,
        esm_class=event.esm_class,
        registered_delivery=event.registered_delivery,
        tlvs=tlvs,
    )


class Smpp34Client:
    """smpp34 as an ESME."""

    name = "smpp34"
    sends_vendor_tlvs = True
    sends_enquire_link = False
    tells_bind_status = False

    def __init__(self) -> None:
        self._smpp34 = peer_module("smpp34")
        self._client: Any = None
        self._smsc: Any = None

    async def bind(self, port: int, mode: str, *, system_id: str = "peer", password: str = PASSWORD) -> int:
        self._client = self._smpp34.Client(
            HOST,
            port,
            system_id,
            password,
            bind_type=mode.upper(),
            connect_timeout_ms=10_000 if password == PASSWORD else 1000,
            window_size=50,
        )
        try:
            self._smsc = await self._client.connect()
        except self._smpp34.SmppError:
            return -1
        return 0

    async def submit(self, text: Text) -> tuple[int, str]:
        assert text.octets is not None
        answer = await self._smsc.submit_sm(text.destination, text.udh + text.octets, **_arguments(self._smpp34, text))
        return answer.command_status, answer.message_id or ""

    async def submit_long(self, text: str) -> int:
        octets, coding, size = (text.encode("utf-16-be"), 8, _UCS2_PART)
        if text.isascii():
            octets, coding, size = text.encode("ascii"), 0, _GSM_PART
        pieces = [octets[start : start + size] for start in range(0, len(octets), size)]
        for number, piece in enumerate(pieces, 1):
            await self.submit(Text(octets=piece, udh=bytes((5, 0, 3, 42, len(pieces), number)), data_coding=coding))
        return len(pieces)

    async def delivered(self) -> Text:
        return _text(await asyncio.wait_for(self._smsc.next(), TIMEOUT))

    async def enquire_link(self) -> int:
        raise NotImplementedError("smpp34 sends them by itself only")

    async def unbind(self) -> None:
        await self._smsc.unbind()

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.stop()


class Smpp34Server:
    """smpp34 as an SMSC."""

    name = "smpp34"
    refuses_binds = False
    sends_enquire_link = False
    answers_out_of_order = True

    def __init__(self) -> None:
        self._smpp34 = peer_module("smpp34")
        self._server: Any = None
        self._esme: asyncio.Queue[Any] = asyncio.Queue()
        self._submits: asyncio.Queue[Text] = asyncio.Queue()
        self._unbound = asyncio.Event()
        self._bound: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._held: list[Any] = []
        self._hold = 1
        self._number = 0

    async def start(self) -> int:
        port = free_port()
        self._server = self._smpp34.Server(HOST, port, system_id="smpp34")
        await self._server.start()
        self._reader = asyncio.create_task(self._read())
        return port

    async def submitted(self) -> Text:
        return await asyncio.wait_for(self._submits.get(), TIMEOUT)

    async def deliver(self, text: Text) -> int:
        assert text.octets is not None
        esme = await self._peer()
        answer = await esme.deliver_sm(text.destination, text.udh + text.octets, **_arguments(self._smpp34, text))
        return int(answer.command_status)

    async def enquire_link(self) -> int:
        raise NotImplementedError("smpp34 sends them by itself only")

    async def hold(self, count: int) -> None:
        self._hold = count

    async def unbind(self) -> None:
        await (await self._peer()).unbind()

    async def unbound(self) -> None:
        await asyncio.wait_for(self._unbound.wait(), TIMEOUT)

    async def stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._server is not None:
            await self._server.stop()

    async def _peer(self) -> Any:
        if self._bound is None:
            self._bound = await asyncio.wait_for(self._esme.get(), TIMEOUT)
        return self._bound

    async def _read(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, self._smpp34.Esme):
                self._esme.put_nowait(event)
            elif isinstance(event, self._smpp34.Unbound):
                self._unbound.set()
            else:
                self._submits.put_nowait(_text(event))
                self._answer(event)

    def _answer(self, event: Any) -> None:
        self._held.append(event)
        if len(self._held) < self._hold:
            return
        for waiting in reversed(self._held):
            if waiting.destination_addr == REFUSED_DESTINATION:
                waiting.reject(_INVALID_DESTINATION)
            else:
                self._number += 1
                waiting.accept(str(self._number))
        self._held.clear()
