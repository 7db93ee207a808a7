"""Settings of uplinks to providers: each kind has its own, and says so."""

import pytest

from gateway.config import parse
from gateway.errors import ConfigError

BASE = 'base_url = "https://api.example"\n'
GOOD = {
    "mocean": BASE + 'key = "k"\nsecret = "s"',
    "mocean by token": BASE + 'token = "apit-x"',
    "mobtexting": BASE + 'token = "t"\nservice = "T"\nwebhook_id = "w"\nsigning_secret = "s"',
    "lanck": BASE + 'user = "u"\npassword = "p"\nrequests_per_second = 30',
    "checkmobi": BASE + 'key = "K"\nis_transactional = false',
}


def config(kind: str, lines: str) -> str:
    return f'[uplink.way]\nkind = "{kind.partition(" ")[0]}"\n{lines}\n'


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_is_taken_with_its_own_keys(kind: str) -> None:
    assert parse(config(kind, GOOD[kind])).uplink["way"].group == "way"


@pytest.mark.parametrize(
    ("kind", "lines", "key", "says"),
    [
        ("mocean", "", "uplink.way.base_url", "needs it"),
        ("mocean", BASE, "uplink.way.key", "(or token)"),
        ("mocean", BASE + 'key = "k"', "uplink.way.secret", "both"),
        ("mocean", GOOD["mocean"] + '\ntoken = "t"', "uplink.way.token", "either"),
        ("mocean", GOOD["mocean"] + "\nwindow = 3", "uplink.way.window", 'no such key for kind = "mocean"'),
        ("mocean", GOOD["mocean"] + '\nuser = "u"', "uplink.way.user", "no such key"),
        ("mocean", GOOD["mocean"] + '\nservers = ["smpp://x:1"]', "uplink.way.servers", "no such key"),
        ("mocean", BASE + 'key = "k k"\nsecret = "s"', "uplink.way.key", "without blanks"),
        ("mobtexting", BASE + 'token = "t"', "uplink.way.service", "needs it"),
        ("lanck", BASE + 'user = "u:v"\npassword = "p"', "uplink.way.user", "no colon"),
        ("lanck", BASE + 'user = "u"', "uplink.way.password", "needs it"),
        ("lanck", 'base_url = "http://api.example"\nuser = "u"\npassword = "p"', "uplink.way.base_url", "in clear"),
        ("lanck", 'base_url = "https://u:p@api.example"\nuser = "u"\npassword = "p"', "uplink.way.base_url", "user"),
        ("lanck", 'base_url = "ftp://x"\nuser = "u"\npassword = "p"', "uplink.way.base_url", "https://host"),
        ("checkmobi", BASE, "uplink.way.key", "needs it"),
        ("checkmobi", GOOD["checkmobi"] + '\ntls = { key_file = "x" }', "uplink.way.tls", "ca_file alone"),
        ("smpp", BASE + 'servers = ["smpp://x:1"]', "uplink.way.base_url", 'no such key for kind = "smpp"'),
        ("smpp", 'servers = ["smpp://x:1"]\nkey = "k"', "uplink.way.key", "no such key"),
        ("other", "", "uplink.way.kind", '"mocean"'),
    ],
)
def test_a_key_that_is_missing_or_of_another_kind_is_refused(kind: str, lines: str, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(config(kind, lines))

    assert refused.value.key == key
    assert says in refused.value.expected
    assert refused.value.value != "k k"


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('public_url = "https://gw.example"', "http.callback_secrets"),
        ('callback_secrets = ["short"]', "http.callback_secrets[0]"),
        ('public_url = "gw.example"\ncallback_secrets = ["long enough for a secret"]', "http.public_url"),
        ('public_url = "https://gw.example/?a=1"\ncallback_secrets = ["long enough for a secret"]', "http.public_url"),
    ],
)
def test_callbacks_need_an_address_and_a_secret(lines: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"[http]\n{lines}\n")

    assert refused.value.key == key


def test_only_accounts_that_exist_may_pass_through() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(config("lanck", GOOD["lanck"] + '\npass_through_accounts = ["nobody"]'))

    assert refused.value.key == "uplink.way.pass_through_accounts[0]"
