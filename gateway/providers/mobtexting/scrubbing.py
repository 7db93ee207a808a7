"""What is looked at before a message goes: receivers who want none of this kind and blocked templates always, and,
where the account wants it, registered senders and templates, promotional hours and the do-not-disturb list, as India's
rules have it.

Receivers who want nothing at all are the gateway's to refuse, whatever the door.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.providers.mobtexting.request import Asked
from gateway.providers.ports import AppOptions, Entry, NotOffered
from gateway.providers.templating import variables_of

if TYPE_CHECKING:
    from gateway.providers.mobtexting.orders import Order

PARTIAL: Final = "partial_opt_out"
"""Numbers that want nothing of one sender, product or tag."""
SENDER: Final = "sender"
TEMPLATE: Final = "template"
DLT_TEMPLATE: Final = "dlt_template"
"""Which template bears a DLT id."""
BLOCKED_TEMPLATE: Final = "blocked_template"
DND: Final = "dnd"
MAX_VARIABLE: Final = 30
"""Characters of one variable of a registered template."""
ANYTHING: Final = "all"
FEW: Final = 100
"""Up to so many receivers are looked up one by one; for more the whole list is read."""
PER_PAGE: Final = 5_000

OPTED_OUT, BLACK_TEMPLATE, NO_TEMPLATE, BAD_TEMPLATE = "456", "785", "452", "453"
BAD_SENDER, LATE, DISTURBED, LONG_VARIABLE = "454", "457", "408", "783"
BAD_ENTITY, NO_ENTITY, TEMPLATE_OF_ANOTHER = "781", "784", "789"


@dataclass(slots=True)
class Checks:
    """Everything that the messages of one request are held against, read at once."""

    now: float
    options: AppOptions
    opted_out: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    blocked_templates: frozenset[str] = frozenset()
    senders: Mapping[str, Entry] = field(default_factory=dict)
    entities: Collection[str] = ()
    """Those of all of the account's senders, where one is named that is not its sender's."""
    templates: Mapping[str, Entry] = field(default_factory=dict)
    dnd: Collection[str] = ()

    def refusal(self, number: str, order: "Order") -> str:
        """The row of the table of delivery statuses that says why not; empty: it may go."""
        if order.template_id and order.template_id in self.blocked_templates:
            return BLACK_TEMPLATE
        if any(_concerns(entry, order) for entry in self.opted_out.get(number, ())):
            return OPTED_OUT
        return self._scrubbed(number, order) if self.options.is_scrubbed else ""

    def _scrubbed(self, number: str, order: "Order") -> str:
        sender = self.senders.get(order.sender.upper())
        if sender is None or str(sender.fields.get("status")) != "1":
            return BAD_SENDER
        if order.entity_id and sender.fields.get("entity_id") and order.entity_id != sender.fields["entity_id"]:
            return BAD_ENTITY if order.entity_id in self.entities else NO_ENTITY
        is_promotional = order.service in self.options.promotional_products
        if is_promotional and not self.options.promotional_hours.contains(self.now):
            return LATE
        if is_promotional and number in self.dnd:
            return DISTURBED
        return self._template(order)

    def _template(self, order: "Order") -> str:
        template = self.templates.get(order.template_id)
        if not order.template_id or template is None:
            return NO_TEMPLATE
        if str(template.fields.get("sender", "")).upper() not in ("", order.sender.upper()):
            return TEMPLATE_OF_ANOTHER
        body = str(template.fields.get("body", ""))
        if variables_of(body, order.text, limit=MAX_VARIABLE) is not None:
            return ""
        return LONG_VARIABLE if variables_of(body, order.text, limit=None) is not None else BAD_TEMPLATE


NOTHING: Final = Checks(0.0, AppOptions())
"""Nothing is held against anything."""


def _concerns(entry: Entry, order: "Order") -> bool:
    """Whether an entry of the list of unsubscribers holds for a message."""
    kind, value = str(entry.fields.get("type") or ANYTHING), str(entry.fields.get("value") or "")
    match kind:
        case "sender":
            return value.upper() == order.sender.upper()
        case "product" | "service":
            return value == order.service
        case "tag":
            return value in order.tags
    return True


async def checks(asked: Asked, numbers: Sequence[str], orders: Sequence["Order"]) -> Checks:
    """Read what the messages of a request are held against."""
    options = asked.options
    template_ids = {order.template_id for order in orders if order.template_id}
    try:
        is_listed = await asked.services.directory.has_any(asked.account, PARTIAL)
    except NotOffered:
        return NOTHING
    if not is_listed and not template_ids and not options.is_scrubbed:
        return NOTHING
    made = Checks(asked.services.clock(), options)
    try:
        made.opted_out = await _listed(asked, PARTIAL, numbers) if is_listed else {}
        made.blocked_templates = await _blocked(asked, template_ids)
        if options.is_scrubbed:
            if any(order.service in options.promotional_products for order in orders):
                made.dnd = await asked.services.directory.listed(asked.account, DND, numbers)
            made.senders = await _senders(asked, {order.sender.upper() for order in orders})
            made.entities = await _entities(asked, made.senders, orders)
            made.templates = await _templates(asked, template_ids)
    except NotOffered:
        pass
    return made


async def _listed(asked: Asked, kind: str, numbers: Sequence[str]) -> dict[str, list[Entry]]:
    """What a list of numbers says of these."""
    directory = asked.services.directory
    found: dict[str, list[Entry]] = {}
    if len(numbers) <= FEW:
        for number in set(numbers):
            if entries := await directory.by_name(asked.account, kind, number):
                found[number] = list(entries)
        return found
    everything: list[Entry] = []
    _, total = await directory.list(asked.account, kind, per_page=1)
    for page in range(1, -(-total // PER_PAGE) + 1):
        some, _ = await directory.list(asked.account, kind, page=page, per_page=PER_PAGE)
        everything += some
    for entry in everything:
        found.setdefault(entry.name, []).append(entry)
    return found


async def _blocked(asked: Asked, template_ids: Collection[str]) -> frozenset[str]:
    blocked = set()
    for template_id in template_ids:
        for entry in await asked.services.directory.by_name(asked.account, BLOCKED_TEMPLATE, template_id):
            if str(entry.fields.get("status", "1")) == "1":
                blocked.add(template_id)
    return frozenset(blocked)


async def _senders(asked: Asked, names: Collection[str]) -> dict[str, Entry]:
    found = {}
    for name in names:
        for entry in await asked.services.directory.by_name(asked.account, SENDER, name):
            found[name] = entry
    return found


async def _entities(asked: Asked, senders: Mapping[str, Entry], orders: Sequence["Order"]) -> frozenset[str]:
    named = {order.entity_id for order in orders if order.entity_id}
    if not named - {str(entry.fields.get("entity_id") or "") for entry in senders.values()}:
        named = set()
    found: set[str] = set()
    page = 1
    while named:
        some, total = await asked.services.directory.list(asked.account, SENDER, page=page, per_page=PER_PAGE)
        found |= {str(entry.fields.get("entity_id") or "") for entry in some}
        if page * PER_PAGE >= total:
            break
        page += 1
    return frozenset(found)


async def _templates(asked: Asked, template_ids: Collection[str]) -> dict[str, Entry]:
    found = {}
    for template_id in template_ids:
        for index in await asked.services.directory.by_name(asked.account, DLT_TEMPLATE, template_id):
            entry = await asked.services.directory.get(asked.account, TEMPLATE, str(index.fields.get("template", "")))
            if entry is not None:
                found[template_id] = entry
    return found
