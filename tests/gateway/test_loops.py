import asyncio
import gc
import sys

import pytest

from gateway.errors import GatewayError
from gateway.loops import COLLECT_EVERY, SWITCH_SECONDS, new_loop, settle_process


def test_the_loop_is_the_one_asked_for() -> None:
    uvloop = pytest.importorskip("uvloop")

    for name, kind in (("asyncio", asyncio.SelectorEventLoop), ("uvloop", uvloop.Loop), ("auto", uvloop.Loop)):
        loop = new_loop(name)()  # type: ignore[arg-type]
        assert isinstance(loop, kind)
        loop.close()


def test_without_uvloop_auto_is_asyncio_and_asking_for_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert new_loop("auto") is asyncio.new_event_loop
    with pytest.raises(GatewayError, match=r"pip install 'smppkit\[uvloop\]'"):
        new_loop("uvloop")


def test_what_a_started_gateway_holds_is_left_to_itself() -> None:
    before, turns = gc.get_threshold(), sys.getswitchinterval()
    try:
        settle_process()

        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == COLLECT_EVERY
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        sys.setswitchinterval(turns)
