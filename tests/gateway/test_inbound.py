"""Messages from handsets: whose they are, and what STOP, START and HELP lead to."""

from typing import Any

import pytest

from gateway.config import ConfigError, parse
from gateway.errors import InvalidMessage, StoreError
from gateway.inbound import InboundRules
from gateway.models import Inbound
from gateway.store import Store
from tests.gateway.fakes import CONFIG, NOW, Core, broken, callback_body, make_core, new_message

HANDSET = "447700900123"
OWN = "447700900999"

RULES = (
    CONFIG
    + """
[account.club]
inbound_url = "https://hooks.example/club"
[account.vote]
[[inbound_rule]]
number = "4477009*"
account = "vote"
url = "https://hooks.example/vote"
[[inbound_rule]]
keyword = "Join"
account = "club"
[[inbound_rule]]
number = "60777"
account = "vote"
url = "https://hooks.example/60777"
[[inbound_rule]]
number = "60777"
keyword = "win"
account = "club"
url = "https://hooks.example/win"
dialect = "mocean"
"""
)


def inbound(text: str = "hello", **fields: Any) -> Inbound:
    values: dict[str, Any] = {
        "id": "in-1",
        "account": "",
        "sender": HANDSET,
        "recipient": OWN,
        "text": text,
        "data": text.encode(),
        "uplink": "a",
        "bind": "a:2775#1",
        "received_at": NOW,
    }
    return Inbound(**(values | fields))


@pytest.mark.parametrize(
    ("number", "text", "account", "url"),
    [
        ("60777", "win a car", "club", "https://hooks.example/win"),
        ("60777", "winner", "vote", "https://hooks.example/60777"),
        ("60777", "join", "vote", "https://hooks.example/60777"),
        ("+60777", "WIN!", "club", "https://hooks.example/win"),
        ("447700900999", "JOIN us", "club", ""),
        ("447700900999", "hello", "vote", "https://hooks.example/vote"),
        ("447600900999", "hello", "", ""),
        ("447600900999", "Join", "club", ""),
    ],
)
def test_a_message_belongs_to_whom_number_and_keyword_say(number: str, text: str, account: str, url: str) -> None:
    config = parse(RULES)
    owner = InboundRules(config.inbound_rule, config.account).find(number, text)
    assert (owner.account, owner.url) == (account, url)


def test_without_rules_a_message_belongs_to_who_claims_the_number() -> None:
    config = parse(CONFIG)
    assert InboundRules(config.inbound_rule, config.account).find(OWN, "x").account == "shop"


async def test_a_message_is_posted_where_its_rule_says(store: Store) -> None:
    core = make_core(store, config=RULES)
    await core.correlator.on_inbound(inbound("join", recipient="60777", id="a"))
    await core.correlator.on_inbound(inbound("join", recipient="1234", id="b"))
    await core.correlator.on_inbound(inbound("hello", recipient="1234", id="c"))
    assert {one.message_id: (one.account, one.url) for one in await store.callbacks()} == {
        "a": ("vote", "https://hooks.example/60777"),
        "b": ("club", "https://hooks.example/club"),
    }
    assert [one.account for one in await store.inbound("")] == ["", "club", "vote"]


SMPP = (
    CONFIG
    + """
[smpp]
listen = "127.0.0.1:2775"
[account.esme]
numbers = ["60777", "60888"]
[account.esme.smpp]
system_id = "esme"
password = "secret"
[[inbound_rule]]
number = "60888"
keyword = "join"
account = "shop"
"""
)


async def test_parts_go_to_a_customers_binds_as_they_came(store: Store) -> None:
    core = make_core(store, config=SMPP)
    for number in (1, 2):
        udh = bytes([5, 0, 3, 7, 2, number])
        await core.correlator.on_inbound(inbound("x", recipient="60777", udh=udh, id=f"esme{number}"))
    assert [one.udh[-1] for one in await store.inbound("esme")] == [2, 1]
    # Where the first word decides, the message has to be whole.
    for number, text in ((1, "join "), (2, "us")):
        udh = bytes([5, 0, 3, 7, 2, number])
        await core.correlator.on_inbound(inbound(text, recipient="60888", udh=udh, id=f"shop{number}"))
    assert [one.text for one in await store.inbound("shop")] == ["join us"]


# --- STOP, START, HELP ---

REPLIES = (
    CONFIG
    + """
[account.shop.replies]
stop = "You get no more messages. Answer START to get them again."
start = "Welcome back."
help = "This is SHOP. Answer STOP to get no more messages."
[account.quiet]
numbers = ["447700900888"]
"""
)


async def sent(core: Core) -> list[tuple[str, str, str]]:
    return [(one.sender, one.recipient, one.text) for one in (await core.store.messages(""))[::-1]]


async def test_stop_keeps_messages_back_until_start(store: Store) -> None:
    core = make_core(store, config=REPLIES)
    await core.correlator.on_inbound(inbound("Stop texting me", id="1"))
    assert await sent(core) == [(OWN, HANDSET, "You get no more messages. Answer START to get them again.")]
    (refused,) = await core.intake.accept([new_message(recipient=HANDSET)])
    assert isinstance(refused, InvalidMessage)
    assert refused.code == "recipient_opted_out"
    (kept,) = await core.opt_outs.list("shop")
    assert (kept.number, kept.reason) == (HANDSET, "Stop texting me")
    # The app is told all the same.
    assert [callback_body(one)["message"]["text"] for one in await store.callbacks("shop")] == ["Stop texting me"]
    await core.correlator.on_inbound(inbound("START", id="2"))
    assert not core.opt_outs.has("shop", HANDSET)
    assert await core.send(recipient=HANDSET)


async def test_a_number_is_answered_once_a_day(store: Store) -> None:
    core = make_core(store, config=REPLIES)
    for n, text in enumerate(["help", "help", "stop", "stop", "start", "help"]):
        await core.correlator.on_inbound(inbound(text, id=f"x{n}"))
    assert [text for _, _, text in await sent(core)] == ["This is SHOP. Answer STOP to get no more messages."]
    core.clock.advance(86_401)
    await core.correlator._desk.sweep()
    assert await store.count_records("auto_reply") == 0
    await core.correlator.on_inbound(inbound("help", id="later"))
    assert len(await sent(core)) == 2


@pytest.mark.parametrize("sender", ["BANK", "60777", "123456", OWN, "+447700900888", "SHOP-24"])
async def test_machines_and_our_own_numbers_are_never_answered(store: Store, sender: str) -> None:
    core = make_core(store, config=REPLIES)
    await core.correlator.on_inbound(inbound("help", sender=sender))
    await core.correlator.on_inbound(inbound("stop", sender=sender, id="in-2"))
    assert await sent(core) == []
    assert len(await store.inbound("shop")) == 2


async def test_two_gateways_do_not_keep_each_other_busy(store: Store) -> None:
    core = make_core(store, config=REPLIES)
    text = "help"
    for n in range(20):
        # Whatever we answer comes back as the next message of the other side.
        await core.correlator.on_inbound(inbound(text, id=f"x{n}"))
        answers = await sent(core)
        text = answers[-1][2] if n % 2 else "help"
    assert len(await sent(core)) == 1


async def test_an_account_without_answers_still_heeds_stop(store: Store) -> None:
    core = make_core(store, config=REPLIES)
    await core.correlator.on_inbound(inbound("STOP", recipient="447700900888"))
    assert core.opt_outs.has("quiet", HANDSET)
    assert not core.opt_outs.has("shop", HANDSET)
    assert await sent(core) == []


async def test_stop_to_a_number_that_accounts_share_is_meant_for_all_of_them(store: Store) -> None:
    core = make_core(store, config=RULES)
    await core.correlator.on_inbound(inbound("STOP", recipient="60777"))
    out = [name for name in core.config.account if core.opt_outs.has(name, HANDSET)]
    assert out == ["club", "vote"]
    await core.correlator.on_inbound(inbound("start", recipient="60777", id="in-2"))
    assert len(core.opt_outs) == 0


async def test_what_nobody_claims_means_nothing(store: Store) -> None:
    core = make_core(store, config=REPLIES)
    await core.correlator.on_inbound(inbound("STOP", recipient="1234"))
    assert len(core.opt_outs) == 0


async def test_an_answer_that_cannot_be_sent_keeps_nothing_from_being_kept(store: Store) -> None:
    core = make_core(store, config=REPLIES.replace("[[route]]", '[[route]]\nprefix = "99"'))
    await core.correlator.on_inbound(inbound("STOP"))
    assert core.opt_outs.has("shop", HANDSET)
    assert len(await store.inbound("shop")) == 1


async def test_stop_is_not_acknowledged_before_it_is_on_the_list(store: Store) -> None:
    core = make_core(store, config=CONFIG)
    with broken(store, "put_records"), pytest.raises(StoreError):
        await core.correlator.on_inbound(inbound("STOP"))
    assert await store.inbound("shop") == []
    await core.correlator.on_inbound(inbound("STOP"))
    assert core.opt_outs.has("shop", HANDSET)


async def test_other_words_and_rules_may_be_put_in_force(store: Store) -> None:
    core = make_core(store, config=CONFIG)
    core.correlator.reconfigure(parse(RULES + '[keywords]\nstop = ["halt"]\n'), core.book)
    await core.correlator.on_inbound(inbound("STOP", recipient="1234", id="1"))
    await core.correlator.on_inbound(inbound("halt", id="2"))
    assert [one.account for one in await store.inbound("")] == ["vote", ""]
    assert core.opt_outs.has("vote", HANDSET)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[inbound_rule]]\naccount = "nobody"', "inbound_rule[0].account"),
        ('[[inbound_rule]]\naccount = "shop"\nurl = "smpp"', "inbound_rule[0].url"),
        ('[[inbound_rule]]\naccount = "shop"\nurl = "http://127.0.0.1/"', "inbound_rule[0].url"),
        ('[[inbound_rule]]\naccount = "shop"\ndialect = "klingon"', "inbound_rule[0].dialect"),
        ('[[inbound_rule]]\naccount = "shop"\nkeyword = "a-b"', "inbound_rule[0].keyword"),
        ('[[inbound_rule]]\naccount = "shop"\n[[inbound_rule]]\naccount = "shop"', "inbound_rule[1].keyword"),
        ('[keywords]\nstart = ["Stop"]', "keywords.start[0]"),
        ('[account.x.replies]\nhelp = "Help: call us"\n[keywords]\nhelp = ["help"]', None),
        ('[account.x.replies]\nhelp = "HELP"', "account.x.replies.help"),
        ('[account.x.replies]\nstop = "Stop it is"', "account.x.replies.stop"),
    ],
)
def test_rules_that_cannot_be_are_refused(text: str, key: str | None) -> None:
    if key is None:
        assert parse(CONFIG + text)
        return
    with pytest.raises(ConfigError) as caught:
        parse(CONFIG + text)
    assert caught.value.key == key
