"""What nodes that share a store ask of it: leases, what others have left, what is dealt out among them.

A store that belongs to one process needs none of it, and answers as if there were nobody else.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

import msgspec

from gateway.models import Message, Part
from gateway.store.slots import BindSlot, Shares, Wanted


class Inherited(msgspec.Struct, frozen=True):
    """What dead nodes have left."""

    unfinished: tuple[tuple[Message, list[Part]], ...] = ()
    """Messages of which parts wait or were being sent, with all their parts: they are this node's from now on."""
    uplinks: frozenset[str] = frozenset()
    """For which messages wait; `waiting` hands them out."""
    is_done: bool = True
    """Whether no unfinished message of a dead node is left."""


class NodeStore(ABC):
    """Where nodes meet: a part of every store."""

    @abstractmethod
    async def register(self, node: str, now: float, lease_seconds: float) -> None:
        """Say that this node lives until its lease ends."""

    async def renew(self, lease_seconds: float) -> bool:
        """Hold this node's lease for so long from now; False: another node has taken its work over.

        A store that belongs to one process needs no lease.
        """
        return True

    async def take_over(
        self, limit: int = 1000, *, only_resigned: bool = False, without: Collection[str] = ()
    ) -> Inherited:
        """Make the work of nodes whose lease has ended this node's own, so many unfinished messages at a time.

        Args:
            limit: of unfinished messages of each node.
            only_resigned: leave alone those that have not given their lease back and were not given up before.
            without: uplinks of which this node has no bind: what living nodes have left of them is others' to take.
        """
        return Inherited()

    async def living_nodes(self) -> Mapping[str, int]:
        """The nodes whose lease runs, each with its epoch: who lives again after its lease has ended has another.

        A store that belongs to one process knows of none.
        """
        return {}

    async def nudge(self) -> None:
        """Have other nodes look whether there is work for them; a store of one process has nobody to tell."""
        return

    async def share_slots(self, wanted: Wanted, given_up: Collection[BindSlot], lease_seconds: float) -> Shares:
        """Deal the bind slots of uplinks out among the nodes that want them, and renew this node's.

        A store that belongs to one process has them all.

        Args:
            wanted: by uplink.
            given_up: this node's slots whose binds are closed: others may have them.
            lease_seconds: how long they are held unless it is asked again.
        """
        return Shares(held=frozenset(slot for slots in wanted.values() for slot in slots))

    async def disown(self, uplink: str) -> int:
        """Let any node have the messages that wait for an uplink here, none of which has left; how many.

        A store that belongs to one process has nobody to leave them to.
        """
        return 0

    async def disown_begun(self, ids: Collection[str]) -> frozenset[str]:
        """Let any node go on with messages of this one of which some parts have left and none is on its way; which.

        A store that belongs to one process has nobody to leave them to.
        """
        return frozenset()

    async def hand_over(self, ids: Collection[str], node: str) -> frozenset[str]:
        """Give messages of this node, of which nothing has left, to another that lives; which went there.

        A store that belongs to one process has nobody to give them to.
        """
        return frozenset()
