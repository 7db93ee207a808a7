"""The SMSC itself is killed under load and comes back: nothing is lost, and what was in doubt is marked."""

import asyncio
from pathlib import Path
from random import Random

from tests.faults.processes import bench
from tests.faults.smsc_process import SmscProcess


async def test_kills_of_the_smsc_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    random = Random(7)
    smsc = SmscProcess(tmp_path)
    async with bench(tmp_path, smsc) as path:
        await path.gateway.start()
        for _ in range(3):
            await path.accept(path.new_messages(100))
            await asyncio.sleep(random.uniform(0.0, 0.3))
            await smsc.kill()
            await smsc.start()
        await path.assert_nothing_lost(doubts=range(300))
