"""The binds of a pool, kept up: started, drained and resumed by server, held and let go one by one, stopped."""

import asyncio
from collections.abc import Callable, Sequence

from smpp.endpoint import Endpoint
from smpp.errors import StateError
from smpp.log import log
from smpp.pool.bind import BindState, PoolBind
from smpp.pool.server import PoolServer
from smpp.pool.streams import end_tasks

_SAMPLE_SECONDS = 1.0


class Keeping:
    """Keeps binds up.

    Args:
        servers: of the pool.
        binds: of the pool.
        unbind_seconds: how long unbinding may take, where `stop` is not told.
        wake: called when parts may go over other binds.
    """

    def __init__(
        self,
        servers: Sequence[PoolServer],
        binds: Sequence[PoolBind],
        unbind_seconds: float,
        wake: Callable[[], None],
    ) -> None:
        self.is_draining = 0
        """How many wait for what is in flight: they want to hear of each answer."""
        self.is_stopping = False
        self._servers = servers
        self._binds = binds
        self._unbind_seconds = unbind_seconds
        self._wake = wake
        self._keepers: dict[PoolBind, asyncio.Task[None]] = {}
        self._sampler: asyncio.TimerHandle | None = None
        self._progress = asyncio.Event()

    def start(self) -> None:
        """Connect all binds in the background."""
        if self._keepers or self.is_stopping:
            raise StateError("a pool is started once")
        loop = asyncio.get_running_loop()
        self._keepers = {bind: loop.create_task(bind.keep()) for bind in self._binds}
        self._sample()

    async def stop(self, timeout: float | None) -> None:
        """Let what is in flight finish, unbind, close."""
        self.is_stopping = True
        if self._sampler is not None:
            self._sampler.cancel()
        self.progress()
        up = [bind for bind in self._binds if bind.link is not None]
        try:
            # A bind that is on its way up must not come up behind our back.
            await end_tasks(*(keeper for bind, keeper in self._keepers.items() if bind not in up))
            async with asyncio.timeout(self._unbind_seconds if timeout is None else timeout):
                await asyncio.gather(*(bind.unbind() for bind in self._binds), return_exceptions=True)
        except TimeoutError:
            log.warning("binds did not end in time", binds=[bind.name for bind in up if bind.link is not None])
        finally:
            for bind in up:
                bind.abort("the pool stops")
            await end_tasks(*self._keepers.values())

    async def drain(self, server: str, timeout: float | None) -> None:
        """Take a server out of use: nothing new, finish what is in flight, unbind."""
        servers = self._find(server)
        self._check_running()
        log.info("= draining", server=servers[0].name)
        for one in servers:
            one.drain()
        await self._take_out([bind for bind in self._binds if bind.server in servers], timeout)

    async def hold(self, name: str, timeout: float | None) -> None:
        """Take a bind out of use, as `drain` does with all of a server."""
        binds = self._find_binds(name)
        for bind in binds:
            bind.is_held = True
        if not self._keepers or self.is_stopping:
            return
        await self._take_out(binds, timeout)

    async def _take_out(self, binds: Sequence[PoolBind], timeout: float | None) -> None:
        up = [bind for bind in binds if bind.state is BindState.BOUND]
        for bind in up:
            bind.drain()
        self._wake()
        # One that still ends what is in flight, rests when that is over.
        down = [bind for bind in binds if bind.link is None and bind.state is not BindState.DRAINED]
        await end_tasks(*(self._keepers[bind] for bind in down))
        for bind in down:
            if bind.is_out_of_use and not self.is_stopping:
                bind.rest(BindState.DRAINED)
        draining = [bind for bind in binds if bind.state is BindState.DRAINING]
        await self._wait_idle(draining, timeout)
        await asyncio.gather(*(_unbind_drained(bind) for bind in draining))
        still = [self._keepers[bind] for bind in binds if bind.is_out_of_use]
        if still:
            await asyncio.wait(still)

    async def _wait_idle(self, binds: Sequence[PoolBind], timeout: float | None) -> None:
        """Until no answer is waited for; what has no answer in time, is not waited for longer."""
        self.is_draining += 1
        try:
            async with asyncio.timeout(timeout):
                while any(bind.in_flight and bind.state is BindState.DRAINING for bind in binds):
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            log.warning("not all was answered in time", binds=[bind.name for bind in binds if bind.in_flight])
        finally:
            self.is_draining -= 1

    def resume(self, server: str) -> None:
        """Put a drained server in use again."""
        servers = self._find(server)
        self._check_running()
        for one in servers:
            if one.is_drained:
                one.is_drained = False
                self._put_in([bind for bind in self._binds if bind.server is one])
        self.progress()

    def let(self, name: str) -> None:
        """Put a bind that was held in use again."""
        held = [bind for bind in self._find_binds(name) if bind.is_held]
        for bind in held:
            bind.is_held = False
        if self._keepers and not self.is_stopping:
            self._put_in(held)
            self.progress()

    def suspend(self, name: str, is_suspended: bool) -> None:
        """Have a bind carry nothing new, or have it carry again."""
        for bind in self._find_binds(name):
            bind.is_suspended = is_suspended

    def _put_in(self, binds: Sequence[PoolBind]) -> None:
        loop = asyncio.get_running_loop()
        for bind in binds:
            if not bind.is_out_of_use and not bind.undrain():
                self._keepers[bind] = loop.create_task(_keep_after(self._keepers[bind], bind))

    def progress(self) -> None:
        """Something was answered, or ended."""
        self._progress.set()

    def _check_running(self) -> None:
        if not self._keepers or self.is_stopping:
            raise StateError("the pool does not run")

    def _find_binds(self, name: str) -> list[PoolBind]:
        found = [bind for bind in self._binds if bind.name == name]
        if not found:
            raise ValueError(f"the pool has no bind {name!r}")
        return found

    def _find(self, server: str) -> list[PoolServer]:
        """The servers of a URL, or of a ``host:port``.

        Raises:
            ValueError: there is none.
            InvalidUrl: it looks like a URL and is none.
        """
        if "://" in server:
            endpoint = Endpoint.parse(server)
            name, tls = endpoint.name, endpoint.tls
            found = [one for one in self._servers if one.name == name and one.endpoint.tls is tls]
        else:
            name = server
            found = [one for one in self._servers if one.name == name]
        if not found:
            raise ValueError(f"the pool has no server {name!r}, but {', '.join(one.name for one in self._servers)}")
        return found

    def _sample(self) -> None:
        """Note how far each bind has come, for its rate."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for bind in self._binds:
            bind.rate.sample(now, bind.submitted)
        self._sampler = loop.call_later(_SAMPLE_SECONDS, self._sample)


async def _keep_after(before: "asyncio.Task[None]", bind: PoolBind) -> None:
    await asyncio.wait([before])
    await bind.keep()


async def _unbind_drained(bind: PoolBind) -> None:
    if bind.state is BindState.DRAINING:  # else its server was resumed, or it was lost
        await bind.unbind(BindState.DRAINED)
