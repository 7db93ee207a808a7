"""Services of a gateway that is stopped and started again."""

import re
from pathlib import Path
from typing import Any

import aiohttp

from gateway import config as settings
from gateway.app import Gateway
from smpp.simulator import Simulator
from tests.whole_path import API_KEY, PATIENCE_SECONDS, config_text, receiver

NUMBER = "447400123456"


async def call(gateway: Gateway, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    url = f"http://{gateway.addresses[0]}/api/v1{path}"
    async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, json=body) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def started(text: str) -> Gateway:
    gateway = Gateway(settings.parse(text))
    await gateway.start()
    await gateway.uplinks["main"].wait_bound(1, PATIENCE_SECONDS)
    return gateway


async def test_a_flow_and_a_code_go_on_after_a_restart(tmp_path: Path) -> None:
    # The first of two messages is never reported on, so that only the clock ends its step.
    simulator = Simulator([["smpp://127.0.0.1:0"]], credentials={"demo": "secret"}, receipt_delay=3_600.0)
    async with simulator, receiver() as taker:
        text = config_text(simulator.urls, tmp_path, callbacks=taker.url)
        gateway = await started(text)
        steps = [{"text": "first", "from": "INFO", "wait_seconds": 2}, {"text": "second", "from": "INFO"}]
        flow = await call(gateway, "POST", "/flows", {"to": NUMBER, "steps": steps})
        steps_of_code = [{"wait_seconds": 2}, {}]
        begun = await call(gateway, "POST", "/verifications", {"to": NUMBER, "steps": steps_of_code, "code_length": 8})
        await simulator.wait_until(lambda: len(simulator.messages) == 2, PATIENCE_SECONDS)
        await gateway.stop()

        gateway = await started(text)
        try:
            await simulator.wait_until(lambda: len(simulator.messages) == 4, PATIENCE_SECONDS)
            texts = [message.text.decode() for message in simulator.messages.values()]
            assert sorted(one for one in texts if "code" not in one) == ["first", "second"]
            codes = {found.group() for one in texts if (found := re.search(r"\d{8}", one))}
            assert len(codes) == 1
            found = await call(gateway, "GET", f"/flows/{flow['id']}")
            assert (found["step"], len(found["message_ids"])) == (1, 2)
            checked = await call(gateway, "POST", f"/verifications/{begun['id']}/check", {"code": codes.pop()})
            assert (checked["status"], checked["sends"]) == ("verified", 2)
            assert len(simulator.messages) == 4
        finally:
            await gateway.stop()
