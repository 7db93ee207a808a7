"""What the store in memory would have on the disk."""

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from gateway.models import Callback, Event, Inbound, Message, Part, Receipt
from gateway.store.ids import key_at, key_of
from gateway.store.memory_money import MoneyTables
from gateway.store.memory_records import RecordTable
from gateway.store.moves import GroupKey, PartKey, part_look_up_key
from gateway.store.retention import PURGE_LIMIT, Cutoffs, Purged
from gateway.store.sqlite_purge import without_body

replace = msgspec.structs.replace


@dataclass(slots=True)
class Tables:
    """Hand it to a second store and it is as after a crash."""

    messages: dict[str, Message] = field(default_factory=dict)
    parts: dict[str, dict[int, Part]] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    by_smsc_id: dict[GroupKey, list[PartKey]] = field(default_factory=dict)
    parked: dict[int, Receipt] = field(default_factory=dict)
    orphans: list[Receipt] = field(default_factory=list)
    inbound: dict[str, Inbound] = field(default_factory=dict)
    callbacks: dict[str, Callback] = field(default_factory=dict)
    votes: dict[str, dict[str, int]] = field(default_factory=dict)
    nodes: dict[str, float] = field(default_factory=dict)
    records: RecordTable = field(default_factory=RecordTable)
    money: MoneyTables = field(default_factory=MoneyTables)

    def put_part(self, part: Part) -> None:
        """Keep a part, to be found by its SMSC id."""
        self.parts.setdefault(part.message_id, {})[part.number] = part
        if part.smsc_message_id:
            part_keys = self.by_smsc_id.setdefault((part.group, part_look_up_key(part)), [])
            if (part.message_id, part.number) not in part_keys:
                part_keys.append((part.message_id, part.number))

    def erase(self, identifier: str) -> None:
        """Drop the body of a message and of its parts."""
        self.messages[identifier] = without_body(self.messages[identifier])
        for part in self.parts.get(identifier, {}).values():
            self.parts[identifier][part.number] = replace(part, body=replace(part.body, short_message=b""))

    def forget(self, ids: Collection[str]) -> None:
        """Drop messages with their parts and timelines."""
        gone = frozenset(ids)
        for one in gone:
            self.messages.pop(one, None)
            self.parts.pop(one, None)
            self.events.pop(one, None)
        for key, part_keys in list(self.by_smsc_id.items()):
            self.by_smsc_id[key] = [one for one in part_keys if one[0] not in gone]

    def purge(self, cutoffs: Cutoffs) -> Purged:
        """One round, for as many as there are."""
        bodies = [
            one
            for one in self.messages.values()
            if one.state.is_final and key_of(one.id) < key_at(cutoffs.bodies) and without_body(one) != one
        ][:PURGE_LIMIT]
        for message in bodies:
            self.erase(message.id)
        for inbound in list(self.inbound.values()):
            if inbound.received_at < cutoffs.bodies:
                self.inbound[inbound.id] = replace(inbound, text="", data=b"", udh=b"")
        timelines = [one for one in self.events if key_of(one) < key_at(cutoffs.timelines)][:PURGE_LIMIT]
        lines = sum(len(self.events.pop(one)) for one in timelines)
        orphans = len(self.orphans)
        self.orphans = [one for one in self.orphans if one.received_at >= cutoffs.orphans]
        old = [one.id for one in self.callbacks.values() if one.failed and key_of(one.id) < key_at(cutoffs.callbacks)]
        for identifier in old:
            del self.callbacks[identifier]
        return Purged(
            bodies=len(bodies),
            timelines=lines,
            orphans=orphans - len(self.orphans),
            callbacks=len(old),
            is_done=max(len(bodies), len(timelines)) < PURGE_LIMIT,
        )
