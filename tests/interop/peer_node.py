"""The smpp package of node as client and as server: a process each, driven by lines of JSON."""

import asyncio
import contextlib
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

from tests.interop.peers import PASSWORD, TIMEOUT, Text, missing

_HERE = Path(__file__).parent / "node"
_COMMANDS = {"tx": "bind_transmitter", "rx": "bind_receiver", "trx": "bind_transceiver"}
_GSM_PART, _UCS2_PART = 153, 67
_TLV_NAMES = {
    0x0204: ("user_message_reference", 2),
    0x001E: ("receipted_message_id", None),
    0x0427: ("message_state", 1),
}
_UDHI = 0x40


def _spread(value: Any) -> Any:
    """Octets out of ``{"hex": "..."}``."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"]) if set(value) == {"hex"} else {k: _spread(v) for k, v in value.items()}
    return [_spread(item) for item in value] if isinstance(value, list) else value


class NodeProcess:
    """peer.js, and what it says."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requests: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.closed = asyncio.Event()

    async def start(self, *arguments: str) -> dict[str, Any]:
        """Start it; what it says when it is ready."""
        node = shutil.which("node")
        if node is None:
            missing("node", "run apt-get install nodejs npm")
        if not (_HERE / "node_modules" / "smpp").is_dir():
            missing("node's smpp package", "run npm ci in tests/interop/node")
        self._process = await asyncio.create_subprocess_exec(
            node, str(_HERE / "peer.js"), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        ready = asyncio.get_running_loop().create_future()
        self._answers[0] = ready
        self._reader = asyncio.create_task(self._read())
        return dict(await asyncio.wait_for(ready, TIMEOUT))

    async def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order; the answer."""
        assert self._process is not None and self._process.stdin is not None
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, **order}).encode() + b"\n")
        return dict(_spread(await asyncio.wait_for(future, TIMEOUT)))

    async def send(self, command: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request; the response."""
        return dict((await self.ask(command=command, options=options or {}))["pdu"])

    async def request(self, command: str) -> dict[str, Any]:
        """The next request of this kind that came."""
        return await asyncio.wait_for(self._queue(command).get(), TIMEOUT)

    async def stop(self) -> None:
        """End the process, by its own means or by ours."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    def _queue(self, command: str) -> "asyncio.Queue[dict[str, Any]]":
        return self.requests.setdefault(command, asyncio.Queue())

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            match said.get("event"):
                case "ready":
                    self._answers.pop(0).set_result(said)
                case "request":
                    self._queue(said["pdu"]["command"]).put_nowait(_spread(said["pdu"]))
                case "closed":
                    self.closed.set()
                case "error":
                    pass
                case _:
                    future = self._answers.pop(said["id"])
                    if not future.done():
                        future.set_result(said)


def _options(text: Text) -> dict[str, Any]:
    options: dict[str, Any] = {
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": text.source,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": text.destination,
        "esm_class": text.esm_class,
        "data_coding": text.data_coding,
        "registered_delivery": text.registered_delivery,
    }
    message: Any = text.text if text.text is not None else {"hex": (text.octets or b"").hex()}
    options["short_message"] = {"udh": {"hex": text.udh.hex()}, "message": message} if text.udh else message
    for tag, value in text.tlvs.items():
        name, width = _TLV_NAMES.get(tag, ("pe_id", 0))
        if width:
            options[name] = int.from_bytes(value)
        else:
            options[name] = {"hex": value.hex()} if width == 0 else value.rstrip(b"\0").decode()
    return options


def _text(pdu: dict[str, Any]) -> Text:
    carried = pdu["short_message"] or {}
    if "message_payload" in pdu:
        carried = pdu["message_payload"]
    message = carried.get("message", "")
    tlvs: dict[int, bytes] = {}
    for tag, (name, width) in _TLV_NAMES.items():
        if name in pdu:
            tlvs[tag] = pdu[name].to_bytes(width) if width else pdu[name].encode() + b"\0"
    if "pe_id" in pdu:
        tlvs[0x1400] = pdu["pe_id"]
    for name, tag, width in (
        ("sar_msg_ref_num", 0x020C, 2),
        ("sar_total_segments", 0x020E, 1),
        ("sar_segment_seqnum", 0x020F, 1),
    ):
        if name in pdu:
            tlvs[tag] = pdu[name].to_bytes(width)
    elements = b"".join(carried.get("udh") or [])
    return Text(
        text=message if isinstance(message, str) else None,
        octets=message if isinstance(message, bytes) else None,
        udh=bytes((len(elements),)) + elements if elements else b"",
        source=pdu["source_addr"],
        destination=pdu["destination_addr"],
        data_coding=pdu["data_coding"],
        esm_class=pdu["esm_class"],
        registered_delivery=pdu["registered_delivery"],
        tlvs=tlvs,
    )


class NodeClient:
    """node-smpp as an ESME."""

    name = "node"
    sends_vendor_tlvs = True
    sends_enquire_link = True
    tells_bind_status = True

    def __init__(self) -> None:
        self._node = NodeProcess()

    async def bind(self, port: int, mode: str, *, system_id: str = "peer", password: str = PASSWORD) -> int:
        await self._node.start("client", str(port))
        pdu = await self._node.send(_COMMANDS[mode], {"system_id": system_id, "password": password})
        return int(pdu["command_status"])

    async def submit(self, text: Text) -> tuple[int, str]:
        pdu = await self._node.send("submit_sm", _options(text))
        return pdu["command_status"], pdu.get("message_id", "")

    async def submit_long(self, text: str) -> int:
        size = _GSM_PART if text.isascii() else _UCS2_PART
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        for number, piece in enumerate(pieces, 1):
            udh = bytes((5, 0, 3, 42, len(pieces), number))
            await self.submit(Text(piece, udh=udh, data_coding=0 if text.isascii() else 8))
        return len(pieces)

    async def delivered(self) -> Text:
        return _text(await self._node.request("deliver_sm"))

    async def enquire_link(self) -> int:
        return int((await self._node.send("enquire_link"))["command_status"])

    async def unbind(self) -> None:
        await self._node.send("unbind")

    async def stop(self) -> None:
        await self._node.stop()


class NodeServer:
    """node-smpp as an SMSC."""

    name = "node"
    refuses_binds = True
    sends_enquire_link = True
    answers_out_of_order = True

    def __init__(self) -> None:
        self._node = NodeProcess()

    async def start(self) -> int:
        return int((await self._node.start("server"))["port"])

    async def submitted(self) -> Text:
        return _text(await self._node.request("submit_sm"))

    async def deliver(self, text: Text) -> int:
        return int((await self._node.send("deliver_sm", _options(text)))["command_status"])

    async def enquire_link(self) -> int:
        return int((await self._node.send("enquire_link"))["command_status"])

    async def hold(self, count: int) -> None:
        await self._node.ask(hold=count)

    async def unbind(self) -> None:
        await self._node.send("unbind")

    async def unbound(self) -> None:
        await self._node.request("unbind")

    async def stop(self) -> None:
        await self._node.stop()
