"""What changes while the gateway runs: the config, the accounts and keys that the store has, what the operator asks.

SIGHUP, POST /reload ──► source ──► plan ──► apply        (nothing is changed where the config cannot be)
every few seconds ──► what another node has put in the store
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import structlog

from gateway.config import Config
from gateway.errors import ConfigError, OperatorError, StoreError
from gateway.operations import NodeDesk, Operator, Reloaded
from gateway.reload import Plan, plan, with_accounts
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 5.0

Source = Callable[[], Config]
"""Reads the config again; raises ConfigError."""


class Steering:
    """Keeps a running gateway at what its config, its store and its operator say.

    Args:
        declared: the config as its file has it.
        current: the one in force.
        source: reads the file again; None: there is none.
        apply: puts a plan in force; raises ConfigError before it has changed anything.
    """

    def __init__(
        self,
        declared: Config,
        *,
        current: Callable[[], Config],
        source: Source | None,
        apply: Callable[[Plan], Awaitable[None]],
        operator: Operator,
        nodes: NodeDesk,
        addresses: Callable[[], tuple[str, str]],
        is_shared: bool,
    ) -> None:
        self.declared = declared
        """The config as its file had it when it was last read."""
        self._current = current
        self._source = source
        self._apply = apply
        self._operator = operator
        self._nodes = nodes
        self._addresses = addresses
        self._is_shared = is_shared
        self._turn = asyncio.Lock()
        self._left_out: tuple[str, ...] = ()
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make everything what the store says, and keep it so."""
        await self._operator.keys.load()
        await self._operator.uplinks.sync()
        await self._say()
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def stop(self, deadline_seconds: float) -> None:
        """Change nothing any more; what is being changed may take so long."""
        if self._looking is not None:
            await cancel_all([self._looking])
        try:
            async with asyncio.timeout(deadline_seconds):
                await self._turn.acquire()
        except TimeoutError:
            log.warning("stopped while settings were being changed")

    async def reload(self) -> Reloaded:
        """Read the config again and put in force what can be.

        Raises:
            ConfigError: it cannot be; everything stays as it was.
            OperatorError: there is nothing to be read.
            StoreError: the store cannot be read.
        """
        if self._source is None:
            raise OperatorError("this gateway was started without a config file")
        declared = await asyncio.to_thread(self._source)
        async with self._turn:
            done = await self._put_in_force(declared)
            self.declared = declared
        return done

    async def accounts_changed(self) -> Reloaded:
        """The store has other accounts than before."""
        async with self._turn:
            return await self._put_in_force(self.declared)

    async def _put_in_force(self, declared: Config) -> Reloaded:
        problems: list[ConfigError] = []
        stored = await self._operator.accounts.load(problems)
        steps = plan(self._current(), with_accounts(declared, stored, problems))
        left_out = tuple(map(str, problems))
        if left_out != self._left_out:
            log.error("accounts of the store are left out", problems=left_out)
            self._left_out = left_out
        if steps.changed:
            await self._apply(steps)
        return Reloaded(changed=steps.changed, restart_needed=steps.restart_needed, left_out=left_out)

    # --- what other nodes do ---

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._say()
                if self._is_shared:
                    await self._operator.keys.load()
                    await self._operator.uplinks.sync()
                    await self.accounts_changed()
            except StoreError as error:
                log.warning("the store cannot be asked for changes", error=str(error))
            except ConfigError as error:
                log.warning("other settings could not be put in force", error=str(error))
            except Exception:
                log.exception("changes were not looked for")

    async def _say(self) -> None:
        http, admin = self._addresses()
        await self._nodes.say(http=http, admin=admin, version=_version())


def _version() -> str:
    try:
        return version("smppkit")
    except PackageNotFoundError:
        return ""
