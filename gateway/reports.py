"""What is reported to whom: the bookkeeping that the store calls back, and the reports in our own words.

A message's state moves inside the store's transaction; what that owes its sender is decided there, so that state and
callback are committed together. Other dialects bring their own words.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
import structlog

from gateway.config import Config
from gateway.models import Callback, Inbound, Message, Receipt
from gateway.store import Bookkeeping
from gateway.store.base import InboundCallback

log = structlog.get_logger(__name__)


OVER_BINDS: Final = "smpp"
"""In place of an address: to the account's own binds."""


class Reporter(Protocol):
    """Makes the callbacks of one dialect; `gateway.providers.base.DialectCallbacks` is one."""

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """The report owed for a message's new state; None: nothing."""


class InboundReporter(Protocol):
    """Makes what is owed for inbound messages to some accounts; `gateway.smsc.SmppReports` is one."""

    inbound_accounts: frozenset[str]

    def inbound_callback(self, inbound: Inbound) -> Callback:
        """What is owed to one of these accounts."""


def bookkeeping(
    config: Config, dialects: Mapping[str, Reporter], *, over_binds: InboundReporter | None = None
) -> Bookkeeping:
    """What the store must know of the config, and how it makes callbacks.

    Args:
        dialects: by the name that messages carry as `dialect`; `native` is added here.
        over_binds: makes what accounts are owed that do not want their inbound messages posted.
    """
    reporters: dict[str, Reporter] = {"native": NativeReports(), **dialects}
    inbound_urls = {name: account.inbound_url for name, account in config.account.items()}
    return Bookkeeping(
        callback_for=_callback_for(reporters),
        inbound_callback=_inbound_callback(reporters, inbound_urls, over_binds),
        id_rules={uplink.group: uplink.message_id_rule for uplink in config.uplink.values()},
        receipt_parts={
            name: uplink.receipt_parts for name, uplink in config.uplink.items() if uplink.receipt_parts != "all"
        },
        parked_seconds=config.receipts.parked_seconds,
        deadline_seconds=config.receipts.deadline_seconds,
        lifetime_seconds=config.receipts.lifetime_seconds,
        settled_seconds=config.receipts.settled_seconds,
        refund=config.billing.refund,
    )


def _callback_for(reporters: Mapping[str, Reporter]) -> Callable[[Message, Receipt | None], Callback | None]:
    def callback_for(message: Message, receipt: Receipt | None) -> Callback | None:
        reporter = reporters.get(message.dialect) or reporters["native"]
        try:
            return reporter.receipt_callback(message, receipt)
        except Exception:
            # A fault in a dialect's words must not keep the state from being committed: then tell it in ours.
            log.exception("a callback cannot be made", message=message.id, dialect=message.dialect)
            return reporters["native"].receipt_callback(message, receipt)

    return callback_for


def _inbound_callback(
    reporters: Mapping[str, Reporter], urls: Mapping[str, str], over_binds: InboundReporter | None
) -> InboundCallback:
    def inbound_callback(inbound: Inbound, url: str = "", dialect: str = "native", /) -> Callback | None:
        is_over_binds = url == OVER_BINDS or (
            not url and over_binds is not None and inbound.account in over_binds.inbound_accounts
        )
        if is_over_binds and over_binds is not None:
            return over_binds.inbound_callback(inbound)
        target = url or urls.get(inbound.account)
        if not target or target == OVER_BINDS:
            return None
        made = _in_words_of(reporters.get(dialect), inbound, target)
        if made is None:
            made = NativeReports().inbound_callback(inbound, target)
        at = inbound.received_at
        return msgspec.structs.replace(
            made, account=inbound.account, message_id=inbound.id, dialect=dialect, created_at=at, due_at=at
        )

    return inbound_callback


def _in_words_of(reporter: object, inbound: Inbound, url: str) -> Callback | None:
    make: Callable[[Inbound, str], Callback | None] | None = getattr(reporter, "inbound_callback", None)
    if make is None:
        return None
    try:
        return make(inbound, url)
    except Exception:
        log.exception("a message from a handset cannot be told in the words of a dialect", inbound=inbound.id)
        return None


class NativeReports:
    """The native API's callbacks: one POST for every final state, one for every message from a handset."""

    name = "native"

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """A report of a final state; of others, nothing."""
        if not message.state.is_final:
            return None
        body: dict[str, Any] = {
            "id": message.id,
            "state": message.state.value,
            "to": message.recipient,
            "from": message.sender,
            "client_reference": message.client_reference,
            "error": message.error,
            "part_count": message.part_count,
            "in_doubt": message.in_doubt,
            "created_at": timestamp(message.created_at),
            "updated_at": timestamp(message.updated_at),
            "done_at": timestamp(receipt.done_at) if receipt is not None and receipt.done_at is not None else None,
        }
        return _callback(message.callback_url, "message.status", message.updated_at, body)

    def inbound_callback(self, inbound: Inbound, url: str) -> Callback:
        """A message from a handset."""
        body: dict[str, Any] = {
            "id": inbound.id,
            "from": inbound.sender,
            "to": inbound.recipient,
            "text": inbound.text,
            "data": inbound.data.hex(),
            "udh": inbound.udh.hex(),
            "data_coding": inbound.data_coding,
            "part_count": inbound.part_count,
            "missing_parts": inbound.missing_parts,
            "received_at": timestamp(inbound.received_at),
        }
        made = _callback(url, "message.inbound", inbound.received_at, body)
        return msgspec.structs.replace(
            made,
            account=inbound.account,
            message_id=inbound.id,
            created_at=inbound.received_at,
            due_at=inbound.received_at,
        )


def _callback(url: str, kind: str, at: float, message: dict[str, Any]) -> Callback:
    body = msgspec.json.encode({"type": kind, "timestamp": timestamp(at), "message": message})
    return Callback(id="", account="", url=url, body=body)


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
