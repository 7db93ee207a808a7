"""What must hold for rules of accounts, of countries, and of messages from handsets."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from gateway.config.routing_checks import Problem, check_hours, one_of
from gateway.errors import InvalidMessage
from gateway.keywords import Keywords, folded
from gateway.networks import check_url, parse_networks
from gateway.patterns import Patterns

DIALECTS: Final = ("native", "mocean", "mobtexting", "lanck", "checkmobi")

if TYPE_CHECKING:
    from gateway.config.accounts import AccountConfig
    from gateway.config.root import Config


def check_policy(config: "Config") -> Iterator[Problem]:
    """What does not hold."""
    for name, account in config.account.items():
        yield from _rules(f"account.{name}.rules", account)
    seen: set[tuple[str, str]] = set()
    for at, country in enumerate(config.sender_country):
        key = f"sender_country[{at}]"
        if country.account and country.account not in config.account:
            yield f"{key}.account", country.account, one_of("account", list(config.account))
        if (country.prefix, country.account) in seen:
            yield f"{key}.prefix", country.prefix, "a prefix that is not there already for this account"
        seen.add((country.prefix, country.account))
        sender = country.replace_with
        if sender and not is_of_kind(sender, country.kind):
            yield f"{key}.replace_with", sender, f"a sender of the kind {country.kind}"
        if sender and country.senders and sender not in Patterns(country.senders):
            yield f"{key}.replace_with", sender, "one of senders"
    yield from _inbound(config)
    yield from _keywords(config)


def _rules(key: str, account: "AccountConfig") -> Iterator[Problem]:
    rules = account.rules
    if rules.min_priority > rules.max_priority:
        yield f"{key}.max_priority", rules.max_priority, "no less than min_priority"
    if rules.burst_messages and not rules.messages_per_second:
        yield f"{key}.burst_messages", rules.burst_messages, "no such key without messages_per_second"
    if rules.national_digits and not rules.country_prefix:
        yield f"{key}.national_digits", list(rules.national_digits), "no such key without country_prefix"
    for name in ("blocked_recipients", "allowed_recipients"):
        yield from numbers(f"{key}.{name}", getattr(rules, name))
    if account.default_sender and not is_of_kind(account.default_sender, rules.sender_kind):
        yield f"{key}.sender_kind", rules.sender_kind, "a kind that default_sender is of"
    yield from check_hours(key, rules.hours, rules.days, rules.time_zone)
    if rules.hours_service and not (rules.hours or rules.days):
        yield f"{key}.hours_service", list(rules.hours_service), "no such key without hours or days"
    if rules.hours_service and rules.hours_priority:
        yield f"{key}.hours_priority", rules.hours_priority, "no such key beside hours_service"


def numbers(key: str, patterns: Sequence[str]) -> Iterator[Problem]:
    """Whether patterns can be those of numbers."""
    for at, text in enumerate(patterns):
        plain = text.replace("*", "").replace("?", "")
        if not text or not (plain.isascii() and (plain.isdecimal() or not plain)):
            yield f"{key}[{at}]", text, "digits, with * for any and ? for one"


def _inbound(config: "Config") -> Iterator[Problem]:
    exempt = parse_networks(config.webhooks.allow_private_networks)
    seen: set[tuple[str, str]] = set()
    for at, rule in enumerate(config.inbound_rule):
        key = f"inbound_rule[{at}]"
        owner = config.account.get(rule.account)
        if owner is None:
            yield f"{key}.account", rule.account, one_of("account", list(config.account))
        elif rule.url == "smpp" and owner.smpp is None:
            yield f"{key}.url", rule.url, f"an address; account.{rule.account} does not bind to us"
        if rule.dialect not in DIALECTS:
            yield f"{key}.dialect", rule.dialect, "one of " + ", ".join(DIALECTS)
        keyword = folded(rule.keyword)
        if rule.keyword and not keyword:
            yield f"{key}.keyword", rule.keyword, "one word"
        if (rule.number, keyword) in seen:
            yield f"{key}.keyword", rule.keyword, "a keyword that is not there already for this number"
        seen.add((rule.number, keyword))
        try:
            if rule.url not in ("", "smpp"):
                check_url(rule.url, exempt)
        except InvalidMessage as error:
            # The URL itself may carry a token: it is not shown.
            yield f"{key}.url", None, f"a public http:// or https:// address ({error.message.rpartition(': ')[2]})"


def _keywords(config: "Config") -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for meaning in ("stop", "start", "help"):
        for at, word in enumerate(getattr(config.keywords, meaning)):
            if not folded(word):
                yield f"keywords.{meaning}[{at}]", word, "one word"
            other = seen.setdefault(folded(word), meaning)
            if other != meaning:
                yield f"keywords.{meaning}[{at}]", word, f"a word that does not mean {other} already"
    words = config.keywords
    keywords = Keywords(words.stop, words.start, words.help)
    for name, account in config.account.items():
        for meaning in ("stop", "start", "help"):
            text = getattr(account.replies, meaning)
            if text and keywords.meaning(text):
                yield (
                    f"account.{name}.replies.{meaning}",
                    text,
                    "a text that another gateway does not take for a keyword",
                )


def is_of_kind(sender: str, kind: str) -> bool:
    """Whether a sender is numeric or alphanumeric, as wanted."""
    digits = sender.removeprefix("+")
    is_number = digits.isascii() and digits.isdecimal()
    return kind == "any" or is_number == (kind == "numeric")
