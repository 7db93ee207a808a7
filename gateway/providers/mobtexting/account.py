"""What an account asks about itself: statuses of its messages, reports, prices, balance, its own token."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from gateway.models import Inbound, Message
from gateway.providers.base import WebAnswer
from gateway.providers.forms import is_message_id
from gateway.providers.mobtexting import answers, spec
from gateway.providers.mobtexting.request import Asked, invalid
from gateway.providers.numbers import recipient_digits

JWT_SECONDS: Final = 3_600
PASSED_AT_ONCE: Final = 1_000
_PER_LOG_PAGE: Final = 25


# sms/status.


async def status(asked: Asked) -> WebAnswer:
    """What became of messages: by id, mobile, cid, date or group_id, of which exactly one."""
    given = {name: asked.text(name) for name in ("id", "mobile", "cid", "date", "group_id") if asked.text(name)}
    if len(given) != 1:
        raise invalid("id", "One of id, mobile, cid, date, group_id is required.")
    ((name, value),) = given.items()
    if name == "mobile":
        return _statuses(asked, await _newest(asked, recipient=recipient_digits(value) or value))
    if name == "date":
        begin, end = _day(asked, value)
        days = await asked.services.log.count_by_state(asked.account, since=begin, until=end)
        total = sum(sum(states.values()) for states in days.values())
        return await _paged(asked, total, since=begin, until=end)
    if name == "cid" and (found := await _newest(asked, client_reference=value)):
        # The app's own id; what reports call so is the message's.
        return _statuses(asked, found)
    if name == "group_id" and (total := await asked.services.log.count_group(asked.account, value)):
        return await _paged(asked, total, group=value)
    message = await asked.services.lookup.message(asked.account, value) if is_message_id(value) else None
    alone = [] if message is None else [message]
    # A message that was sent alone is its own group.
    return _page(asked, alone, len(alone)) if name == "group_id" else _statuses(asked, alone)


async def _newest(asked: Asked, *, recipient: str = "", client_reference: str = "") -> Sequence[Message]:
    return await asked.services.log.find_messages(
        asked.account, recipient=recipient, client_reference=client_reference, limit=answers.STATUSES_PER_PAGE
    )


def _statuses(asked: Asked, messages: Sequence[Message]) -> WebAnswer:
    return answers.done([_status(asked, message) for message in messages])


async def _paged(asked: Asked, total: int, *, group: str = "", since: float = 0.0, until: float = 0.0) -> WebAnswer:
    page, per_page = asked.page(), answers.STATUSES_PER_PAGE
    skip, before = (page - 1) * per_page, ""
    while 0 < skip < total:
        # Pages are numbered, messages are found from one to the next: what comes before is passed over.
        passed = await asked.services.log.find_messages(
            asked.account, group=group, since=since, until=until, limit=min(skip, PASSED_AT_ONCE), before_id=before
        )
        if not passed:
            break
        skip, before = skip - len(passed), passed[-1].id
    shown: Sequence[Message] = ()
    if skip == 0:
        shown = await asked.services.log.find_messages(
            asked.account, group=group, since=since, until=until, limit=per_page, before_id=before
        )
    return _page(asked, shown, total)


def _page(asked: Asked, messages: Sequence[Message], total: int) -> WebAnswer:
    rows = [_status(asked, message) for message in messages]
    per_page = answers.STATUSES_PER_PAGE
    return answers.page(
        rows, total, number=asked.page(), path=asked.list_path, query=asked.list_query, per_page=per_page
    )


def _status(asked: Asked, message: Message) -> Mapping[str, object]:
    zone = asked.options.time_zone
    is_final = message.state.is_final
    return {
        "id": message.id,
        "mobile": message.recipient,
        "status": answers.word_of(message),
        "units": max(1, message.part_count),
        "service": message.service,
        "length": len(message.text),
        "charges": max(1, message.part_count),
        "custom": message.client_reference,
        "custom1": "",
        "location": None,
        "provider": None,
        "submitted_at": answers.local_time(message.created_at, zone),
        "delivered_at": answers.local_time(message.updated_at, zone) if is_final else None,
        "sender": message.sender,
    }


def _day(asked: Asked, written: str) -> tuple[float, float]:
    zone = ZoneInfo(asked.options.time_zone)
    try:
        begin = datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=zone)
        return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError):
        raise invalid("date", "The date does not match the format Y-m-d.") from None


# Reports and lists.


async def report(asked: Asked) -> WebAnswer:
    """sms/report: how many messages of each status, day by day."""
    begin, _, end = asked.required("daterange").partition("|")
    since, _ = _day(asked, begin.strip())
    _, until = _day(asked, (end or begin).strip())
    if not since < until <= since + 93 * 86_400:
        raise invalid("daterange", "The daterange must be at most 3 months.")
    days = await asked.services.log.count_by_state(asked.account, since=since, until=until)
    data = {}
    for day, states in days.items():
        words: dict[str, int] = {}
        for state, count in states.items():
            word = answers.WORD_BY_STATE[state]
            words[word] = words.get(word, 0) + count
        data[day] = {"date": day, "status": words}
    return answers.done(data)


async def activity(asked: Asked) -> WebAnswer:
    """sms/activity: how many messages, day by day."""
    now = asked.services.clock()
    days = await asked.services.log.count_by_state(asked.account, since=now - 30 * 86_400, until=now + 1)
    rows = [{"date": day, "total": sum(states.values())} for day, states in sorted(days.items(), reverse=True)]
    return answers.plain({"status": "OK", "code": 200, "message": "OK", "rows": _old_page(asked, rows)})


async def inbound_log(asked: Asked) -> WebAnswer:
    """vmn/logs: messages from handsets."""
    found = await asked.services.log.find_inbound(
        asked.account,
        recipient=recipient_digits(asked.filter("number")) or "",
        sender=recipient_digits(asked.filter("mobile")) or "",
        limit=500,
    )
    rows = [_inbound(asked, inbound) for inbound in found]
    return answers.plain({"status": "OK", "code": 200, "message": "OK", "rows": _old_page(asked, rows)})


def _inbound(asked: Asked, inbound: Inbound) -> Mapping[str, object]:
    zone = asked.options.time_zone
    return {
        "id": inbound.id,
        "mobile": inbound.sender,
        "number": inbound.recipient,
        "message": inbound.text,
        "created_at": answers.local_time(inbound.received_at, zone),
    }


def _old_page(asked: Asked, rows: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    page, path = asked.page(), f"{asked.list_path}?{asked.list_query}page="
    shown = rows[(page - 1) * _PER_LOG_PAGE : page * _PER_LOG_PAGE]
    last = max(1, -(-len(rows) // _PER_LOG_PAGE))
    return {
        "current_page": page,
        "data": shown,
        "first_page_url": f"{path}1",
        "from": (page - 1) * _PER_LOG_PAGE + 1 if shown else None,
        "last_page": last,
        "last_page_url": f"{path}{last}",
        "next_page_url": f"{path}{page + 1}" if page < last else None,
        "path": asked.list_path,
        "per_page": _PER_LOG_PAGE,
        "prev_page_url": f"{path}{page - 1}" if page > 1 else None,
        "to": (page - 1) * _PER_LOG_PAGE + len(shown) if shown else None,
        "total": len(rows),
    }


async def coverage(asked: Asked) -> WebAnswer:
    """sms/locations/coveragelist."""
    wanted = asked.text("country").lower()
    rows: list[Mapping[str, object]] = [
        {"country": name, "iso": iso, "calling_code": code}
        for iso, name, code in asked.services.numbers.countries()
        if wanted in ("", iso.lower(), name.lower())
    ]
    return answers.plain({"status": "OK", "code": 200, "message": "OK", "rows": _old_page(asked, rows)})


# Money.


async def pricing(asked: Asked) -> WebAnswer:
    """sms/pricing."""
    prices = await asked.services.ledger.prices(asked.account, country=asked.filter("iso").upper())
    codes = {iso: code for iso, _, code in asked.services.numbers.countries()}
    service = asked.filter("service") or "T"
    status = asked.filter("status")
    if status not in ("", "0", "1"):
        raise invalid("filter[status]", "The selected filter[status] is invalid.")
    rows = [
        {
            "iso": price.country or None,
            "country_name": price.country_name or None,
            "calling_code": codes.get(price.country) or price.prefix,
            "sale_price": f"{price.amount:.4f}",
            "service": service,
            "service_name": spec.PRODUCTS.get(service, service),
            "currency": price.currency,
            "status": 1,
            "created_at": None,
            "updated_at": None,
        }
        # Every price that there is holds.
        for price in (prices if status != "0" else ())
    ]
    page = asked.page()
    shown = rows[(page - 1) * answers.PER_PAGE : page * answers.PER_PAGE]
    return answers.page(
        shown, len(rows), number=page, path=asked.list_path, query=asked.list_query, message="Pricing List"
    )


async def balance(asked: Asked) -> WebAnswer:
    """finance/balance."""
    left = await asked.services.ledger.balance(asked.account)
    row = {
        "service": "T",
        "name": spec.PRODUCTS["T"],
        "postpaid": 0 if left.is_limited else 1,
        "credits": _plain_number(left.amount),
        "charges": left.currency,
    }
    return answers.done([row], status=200)


def _plain_number(amount: Decimal) -> float | int:
    return int(amount) if amount == amount.to_integral_value() else float(amount)


async def add_credits(asked: Asked) -> WebAnswer:
    """finance/credits: of resellers, who are here whoever administers accounts."""
    username, written = asked.required("username"), asked.required("credits")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise invalid("credits", "The credits must be a number greater than 0.")
    try:
        await asked.services.ledger.top_up(username, amount, reference=asked.text("order_id"), note=asked.text("notes"))
    except ValueError as error:
        raise invalid("username", f"The credits cannot be added: {error}.") from None
    return answers.plain({"status": "OK", "message": "Balance added Successfully"})


# Who asks.


async def me(asked: Asked) -> WebAnswer:
    """auth/me."""
    return answers.done({"username": asked.account, "name": asked.account, "status": 1})


async def make_token(asked: Asked) -> WebAnswer:
    """A token for an hour, in the place of the one that lasts."""
    token = asked.services.tokens.issue(asked.account, spec.NAME, JWT_SECONDS)
    return answers.plain({"access_token": token, "token_type": "bearer", "expires_in": JWT_SECONDS})
