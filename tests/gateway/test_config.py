"""Settings: every key loads, and everything that cannot be is refused by name."""

import re
from pathlib import Path

import pytest

from gateway import config
from gateway.config import Config, ConfigError, Secret, parse, split_listen

GOOD = """
[uplink.india]
servers = ["smpps://one.example:3635", "smpp://two.example:2775"]
system_id = "demo"
password = "hush-hush"
[[route]]
prefix = "91"
uplinks = ["india"]
[account.shop]
api_keys = ["key-of-the-shop"]
"""


def test_a_small_config_has_defaults_for_all_else() -> None:
    loaded = parse(GOOD)
    india = loaded.uplink["india"]
    assert (india.group, india.window, india.in_doubt, india.source.alphanumeric_ton) == ("india", 10, "resend", 5)
    assert india.password.reveal() == "hush-hush"
    assert loaded.http.listen == "127.0.0.1:8080"
    assert loaded.route[0].uplinks == ("india",)


def test_an_empty_config_is_all_defaults() -> None:
    assert parse("") == Config()


def test_the_example_says_every_key_and_loads_back() -> None:
    text = config.example()
    loaded = parse(text)
    assert loaded.uplink["example"].tls.ca_file == ""
    assert loaded.account["example"].mocean is not None
    keys = set(re.findall(r"^(\w+) = ", text, re.MULTILINE))
    tables = (config.HttpConfig, config.UplinkConfig, config.WebhooksConfig, config.AccountConfig, config.RouteConfig)
    for table in (*tables, config.SmppConfig, config.AccountSmppConfig):
        groups = {"tls", "source", "destination", "tlvs", "mocean", "mobtexting", "lanck", "checkmobi", "smpp"}
        groups |= {"sender_rules", "recipient_rules", "statuses", "costs", "rules", "replies", "billing", "health"}
        assert set(table.__struct_fields__) - groups <= keys
    assert "a whole number from 1 to 100000 (parts); default 10" in text


def test_the_defaults_of_the_example_are_the_defaults() -> None:
    loaded = parse(config.example())
    default = Config()
    for name in ("http", "admin", "node", "store", "pipeline", "receipts", "webhooks"):
        assert getattr(loaded, name) == getattr(default, name)


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("[uplnk.a]", "uplnk", None, "no such key here; known are http, admin"),
        ("[http]\nlisten = 8080", "http.listen", 8080, "text"),
        ('[http]\nlisten = "8080"', "http.listen", "8080", "host:port"),
        ('[http]\nlisten = "0.0.0.0:70000"', "http.listen", "0.0.0.0:70000", "host:port"),
        ('[admin]\nlisten = "127.0.0.1:8080"', "admin.listen", "127.0.0.1:8080", "other than http.listen"),
        ("http = 1", "http", 1, "a table"),
        ("[http]\nbody_limit_bytes = 1", "http.body_limit_bytes", 1, "a whole number from 1024 to 1073741824 (bytes)"),
        ("[http]\nbody_limit_bytes = true", "http.body_limit_bytes", True, "a whole number"),
        ('[store]\nurl = "mysql://x"', "store.url", "mysql://x", "sqlite:PATH"),
        ('[store]\nurl = "mysql://me:secret@h/db"', "store.url", None, "sqlite:PATH"),
        ('[node]\nname = "two words"', "node.name", "two words", "text of the form"),
        ("[uplink.a]", "uplink.a.servers", None, "it is required"),
        ("[uplink.a]\nservers = []", "uplink.a.servers", [], "at least 1"),
        ('[uplink.a]\nservers = "smpp://x:1"', "uplink.a.servers", "smpp://x:1", "a list"),
        ('[uplink.a]\nservers = ["smpp://x:1", 7]', "uplink.a.servers[1]", 7, "text"),
        ('[uplink.a]\nservers = ["smpp://x:1", "http://x:1"]', "uplink.a.servers[1]", "http://x:1", "smpp://host:port"),
        ('[uplink.a]\nservers = ["smpp://x"]', "uplink.a.servers[0]", "smpp://x", "smpp://host:port"),
        ('[uplink.a]\nservers = ["smpp://x:99999"]', "uplink.a.servers[0]", "smpp://x:99999", "smpp://host:port"),
        ('[uplink.a]\nservers = ["smpp://u:pass@x:1"]', "uplink.a.servers[0]", None, "system_id and password"),
        (
            '[uplink.a]\nservers = ["smpp://x:1", "smpp://x:1"]',
            "uplink.a.servers",
            ["smpp://x:1"] * 2,
            "every server once",
        ),
        ('[uplink."a b"]\nservers = ["smpp://x:1"]', "uplink.a b", "a b", "text of the form"),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\nwindow = 0',
            "uplink.a.window",
            0,
            "a whole number from 1 to 100000 (parts)",
        ),
        ('[uplink.a]\nservers = ["smpp://x:1"]\nbind_mode = "both"', "uplink.a.bind_mode", "both", '"trx", "tx", "rx"'),
        ('[uplink.a]\nservers = ["smpp://x:1"]\npassword = 5', "uplink.a.password", None, "{ env = "),
        ('[uplink.a]\nservers = ["smpp://x:1"]\npasword = "x"', "uplink.a.pasword", None, "no such key"),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\npassword = { env = "GATEWAY_UNSET" }',
            "uplink.a.password.env",
            "GATEWAY_UNSET",
            "environment variable that is set",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\npassword = { file = "/no/such" }',
            "uplink.a.password.file",
            "/no/such",
            "a file that can be read (No such file or directory)",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\nsystem_id = "sixteen-letters-"',
            "uplink.a.system_id",
            "sixteen-letters-",
            "at most 15",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[uplink.a.tls]\nca_file = "x"',
            "uplink.a.tls",
            None,
            "no server is smpps",
        ),
        (
            '[uplink.a]\nservers = ["smpps://x:1"]\n[uplink.a.tls]\nkey_file = "x"',
            "uplink.a.tls.cert_file",
            "",
            "the certificate of key_file",
        ),
        (
            '[uplink.a]\nservers = ["smpps://x:1"]\n[uplink.a.tls]\nverify = false',
            "uplink.a.tls.verify",
            None,
            "no such key",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\nreconnect_max_seconds = 0.5',
            "uplink.a.reconnect_max_seconds",
            0.5,
            "no less than reconnect_min_seconds",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[[uplink.a.tlvs]]\ntag = 5123',
            "uplink.a.tlvs[0]",
            None,
            "either text or hex",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[[uplink.a.tlvs]]\ntag = 5123\nhex = "f"',
            "uplink.a.tlvs[0].hex",
            "f",
            "text of the form",
        ),
        ('[[route]]\nuplinks = ["x"]', "route[0].uplinks[0]", "x", "the name of an uplink; there is none"),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[[route]]\nuplinks = ["a"]\naccount = "z"',
            "route[0].account",
            "z",
            "the name of an account; there is none",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\nbind_mode = "rx"\n[[route]]\nuplinks = ["a"]',
            "route[0].uplinks[0]",
            "a",
            "an uplink that can send",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[[route]]\nuplinks = ["a", "a"]',
            "route[0].uplinks",
            ["a", "a"],
            "every uplink once",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[[route]]\nuplinks = ["a"]\n[[route]]\nuplinks = ["a"]',
            "route[1].prefix",
            "",
            "not there already",
        ),
        (
            '[uplink.a]\nservers = ["smpp://x:1"]\n[[route]]\nprefix = "+44"\nuplinks = ["a"]',
            "route[0].prefix",
            "+44",
            "text of the form",
        ),
        ('[account.a]\ncallback_url = "ftp://x/y"', "account.a.callback_url", None, "the scheme must be http or https"),
        ('[account.a]\ncallback_url = "http:///nowhere"', "account.a.callback_url", None, "it names no host"),
        ('[account.a]\ninbound_url = "http://10.0.0.1/"', "account.a.inbound_url", None, "not a public one"),
        ('[account.a]\napi_keys = [""]', "account.a.api_keys[0]", None, "not empty"),
        (
            '[account.a]\napi_keys = ["x"]\n[account.b]\napi_keys = ["x"]',
            "account.b.api_keys[0]",
            None,
            "unlike that of account.a.api_keys[0]",
        ),
        ('[account.a]\nroles = ["root"]', "account.a.roles[0]", "root", '"send", "read", "admin"'),
        ('[account.a]\nnumbers = ["+44"]', "account.a.numbers[0]", "+44", "text of the form"),
        (
            '[account.a]\nnumbers = ["4477"]\n[account.b]\nnumbers = ["4477"]',
            "account.b.numbers[0]",
            "4477",
            "account.a does not claim",
        ),
        (
            '[account.a]\nsenders = ["X"]\ndefault_sender = "Y"',
            "account.a.default_sender",
            "Y",
            "one of account.a.senders",
        ),
        ('[account.a]\nsigning_secret = "whsec_!"', "account.a.signing_secret", None, "base64 after whsec_"),
        ('[account.a.mocean]\nkey = "k"', "account.a.mocean.secret", None, "it is required"),
        ('[account.a.mocean]\nkey = "k"\nsecret = ""', "account.a.mocean.secret", None, "not empty"),
        (
            '[webhooks]\nallow_private_networks = ["10.0.0.1/8"]',
            "webhooks.allow_private_networks[0]",
            "10.0.0.1/8",
            "10.0.0.0/8",
        ),
        ("[webhooks]\nretry_seconds = []", "webhooks.retry_seconds", [], "at least 1"),
        ("[webhooks]\nretry_seconds = [5, 0]", "webhooks.retry_seconds[1]", 0, "a number from 0.1 to 86400"),
        ("[webhooks]\ngive_up_seconds = 129601", "webhooks.give_up_seconds", 129601, "129600"),
        (
            "[receipts]\nlifetime_seconds = 100",
            "receipts.lifetime_seconds",
            100,
            "no less than receipts.deadline_seconds",
        ),
        ("[http\n", "(syntax)", None, "TOML: "),
    ],
)
def test_what_cannot_be_is_refused_with_key_value_and_expectation(
    text: str, key: str, value: object, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "gateway.toml")
    error = caught.value
    assert (error.file, error.key, error.value) == ("gateway.toml", key, value)
    assert expected in error.expected
    assert str(error).startswith(f"gateway.toml: {key}")


def test_groups_share_one_rule() -> None:
    text = '[uplink.a]\nservers = ["smpp://x:1"]\ngroup = "g"\n[uplink.b]\nservers = ["smpp://y:1"]\ngroup = "g"\n'
    assert {uplink.group for uplink in parse(text).uplink.values()} == {"g"}
    with pytest.raises(ConfigError) as caught:
        parse(text + 'message_id_rule = "auto"')
    assert caught.value.key == "uplink.b.message_id_rule"


def test_secrets_come_from_environment_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSC_PASSWORD", "from-env")
    (tmp_path / "key").write_text("from-file\n")
    path = tmp_path / "gateway.toml"
    path.write_text(
        '[uplink.a]\nservers = ["smpp://x:1"]\npassword = { env = "SMSC_PASSWORD" }\n'
        f'[account.a]\napi_keys = [{{ file = "{tmp_path / "key"}" }}]\n'
    )
    loaded = config.load(path)
    assert loaded.uplink["a"].password.reveal() == "from-env"
    assert loaded.account["a"].api_keys[0].reveal() == "from-file"


def test_secrets_show_nowhere() -> None:
    loaded = parse(GOOD)
    for text in (repr(loaded), str(loaded.uplink["india"].password), f"{loaded.account}"):
        assert "hush-hush" not in text
        assert "key-of-the-shop" not in text
    assert bool(Secret("x")) is True
    assert bool(Secret()) is False


@pytest.mark.parametrize(
    "text",
    [
        '[account.a]\napi_keys = "swordfish"',
        '[account.a]\napi_keys = [["swordfish"]]',
        '[account.a]\nsigning_secret = { key = "swordfish" }',
        '[account.a]\napi_key = "swordfish"',
        '[account.a]\napi_keys = ["swordfish"]\n[account.b]\napi_keys = ["swordfish"]',
        '[uplink.a]\nservers = ["smpp://me:swordfish@x:1"]',
        '[uplink.a]\nservers = ["smpp://me:swordfish@x:port"]',
        '[account.a]\ncallback_url = "http://me:swordfish@example.com/"',
        '[store]\nurl = "mysql://me:swordfish@h/db"',
        '[store]\nurl = "postgresql://me:swordfish@h:port/db"',
    ],
)
def test_errors_never_say_a_secret(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert "swordfish" not in str(caught.value)


def test_a_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        config.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'[node]\nname = "\xe9"')
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8080", ("::1", 8080)), ("host:0", ("host", 0))],
)
def test_listen_is_split(listen: str, expected: tuple[str, int]) -> None:
    assert split_listen(listen) == expected
