"""Links that let a receiver unsubscribe, or subscribe again, without a call or an answer.

    sms/suppressions/optout/link ──► https://here/mobtexting/o/CODE     what the app puts into its texts
    a text with it, sent         ──► …/o/CODE/TICKET                    the ticket is the receiver's number, signed
    the receiver opens it        ──► a page that asks, and then does it

A link does nothing by being looked at: whatever fetches addresses out of messages to preview them unsubscribes nobody.
"""

import hashlib
import hmac
import html
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.providers.base import Services, WebAnswer, WebRequest
from gateway.providers.mobtexting import answers, suppressions
from gateway.providers.mobtexting.request import Asked, Refused, invalid, list_of
from gateway.providers.ports import Entry, NotOffered

PATH: Final = "/o/"
LINK: Final = "optout_link"
ANYBODY: Final = "*"
"""No account's name: a link's code alone leads to it."""
MAX_TAGS: Final = 2
CODE_LENGTH: Final = 8
MAC_BITS: Final = 40
_ALPHABET: Final = string.digits + string.ascii_letters
_CODE: Final = re.compile(rf"([0-9A-Za-z]{{{CODE_LENGTH}}})(?![0-9A-Za-z/])")
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
)


class Link(msgspec.Struct, frozen=True):
    """A link that stands in a text."""

    url: str
    secret: str


# Making them.


async def make_opt_out(asked: Asked) -> WebAnswer:
    """sms/suppressions/optout/link."""
    return await _make(asked, "out")


async def make_opt_in(asked: Asked) -> WebAnswer:
    """sms/suppressions/optin/link."""
    return await _make(asked, "in")


async def _make(asked: Asked, direction: str) -> WebAnswer:
    options = asked.options
    if not options.base_url:
        raise NotOffered("links need http.public_url")
    service, sender = asked.text("service"), asked.text("sender")
    tags = [str(tag).strip() for tag in list_of(asked.fields, "tag", MAX_TAGS)]
    if service and options.products and service not in options.products:
        raise invalid("service", "The selected service is invalid.")
    code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))
    fields = {
        "account": asked.account,
        "direction": direction,
        "sender": sender,
        "service": service,
        "tags": tags,
        "secret": secrets.token_hex(16),
    }
    await asked.services.directory.add(ANYBODY, LINK, code, fields)
    return answers.done(f"{_base(asked)}{code}")


# In texts.


async def in_text(asked: Asked, text: str) -> tuple[Link, ...]:
    """The account's own links that a text holds."""
    base = _base(asked)
    if not base or base not in text:
        return ()
    found = []
    for piece in text.split(base)[1:]:
        code = _CODE.match(piece)
        entry = await _recall(asked.services, code[1]) if code else None
        if code and entry is not None and entry.fields.get("account") == asked.account:
            found.append(Link(base + code[1], str(entry.fields["secret"])))
    return tuple(dict.fromkeys(found))


def _base(asked: Asked) -> str:
    """What all links begin with; empty where there are none."""
    return asked.options.base_url and asked.options.base_url + PATH


async def _recall(services: Services, code: str) -> Entry | None:
    found = await services.directory.recall(ANYBODY, LINK, code)
    return found[0] if found else None


def personal(text: str, links: Sequence[Link], number: str) -> str:
    """A text whose links know whom it goes to."""
    for link in links:
        text = text.replace(link.url, f"{link.url}/{ticket(number, link.secret)}")
    return text


def ticket(number: str, secret: str) -> str:
    """A number, signed."""
    value, letters = int("1" + number) << MAC_BITS | _mac(number, secret), ""
    while value:
        value, rest = divmod(value, len(_ALPHABET))
        letters = _ALPHABET[rest] + letters
    return letters


def number_of(written: str, secret: str) -> str | None:
    """The number that a ticket was made for; None: nobody has made it."""
    if not written or len(written) > 20 or any(letter not in _VALUES for letter in written):
        return None
    value = 0
    for letter in written:
        value = value * len(_ALPHABET) + _VALUES[letter]
    number = str(value >> MAC_BITS)[1:]
    signed = hmac.compare_digest(ticket(number, secret), written) if number else False
    return number if signed else None


def _mac(number: str, secret: str) -> int:
    digest = hmac.digest(bytes.fromhex(secret), number.encode(), hashlib.sha256)
    return int.from_bytes(digest[: MAC_BITS // 8], "big")


# The page.


async def page(request: WebRequest, services: Services) -> WebAnswer:
    """What the receiver sees, and does."""
    code, _, written = request.path.removeprefix(PATH).partition("/")
    try:
        entry = await _recall(services, code) if len(code) == CODE_LENGTH and code.isalnum() else None
    except NotOffered:
        entry = None
    number = number_of(written, str(entry.fields["secret"])) if entry is not None else None
    if entry is None or number is None:
        return _page(404, "This link is not complete", "Open it as it stands in the message.")
    is_out, account = entry.fields.get("direction") == "out", str(entry.fields["account"])
    shown = f"+{'*' * max(0, len(number) - 4)}{number[-4:]}"
    what = html.escape(_whose(entry))
    if request.method in ("GET", "HEAD"):
        verb = "Unsubscribe" if is_out else "Subscribe"
        form = f'<form method="post"><button>{verb}</button></form>'
        return _page(200, f"{verb} {shown}?", f"This is about {what}.", form)
    if request.method != "POST":
        raise Refused(405, "")
    for fields in _kinds(entry):
        if is_out:
            await suppressions.unsubscribe(services, account, number, fields)
        else:
            await suppressions.resubscribe(services, account, number, fields)
    return _page(200, "Done", f"{shown} will {'no longer' if is_out else 'again'} receive {what}.")


def _kinds(entry: Entry) -> list[Mapping[str, object]]:
    """What a link is about: its tags; without any its service; without that its sender; else everything."""
    fields = entry.fields
    tags = fields.get("tags")
    if isinstance(tags, (list, tuple)) and tags:
        return [{"type": "tag", "value": str(tag)} for tag in tags]
    if fields.get("service"):
        return [{"type": "product", "value": str(fields["service"])}]
    if fields.get("sender"):
        return [{"type": "sender", "value": str(fields["sender"])}]
    return [dict(suppressions.EVERYTHING)]


def _whose(entry: Entry) -> str:
    sender = str(entry.fields.get("sender") or "")
    tags = entry.fields.get("tags")
    about = f" ({', '.join(map(str, tags))})" if isinstance(tags, (list, tuple)) and tags else ""
    return (f"messages of {sender}" if sender else "these messages") + about


def _page(status: int, title: str, text: str, more: str = "") -> WebAnswer:
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>body{{font:1.1rem sans-serif;margin:3rem auto;max-width:30rem;padding:0 1rem}}"
        f"button{{font:inherit;padding:.6rem 1.2rem}}</style><h1>{title}</h1><p>{text}</p>{more}</html>"
    )
    return WebAnswer(status=status, content_type=_HTML, body=body.encode(), headers=_HEADERS)
