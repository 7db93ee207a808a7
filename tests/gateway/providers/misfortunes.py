"""A gateway that reaches nobody, with an account for each misfortune that a message may meet on its way in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway import config as settings
from gateway.app import Gateway

GOOD: Final = "447400123456"
LISTED: Final = "447400999999"
"""Nobody may send to it."""
LATER: Final = "447400111111"
NOWHERE: Final = "99912345678"
"""No route takes it."""
REST: Final = "33612345678"
"""Leaves by a provider that carries texts only."""

CONFIG: Final = f"""
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite:DATA/gateway.db"
[node]
secret_key = "a secret key of tests, long enough to be one"
[uplink.main]
servers = ["smpp://127.0.0.1:1"]
reconnect_min_seconds = 30
[uplink.rest]
kind = "checkmobi"
base_url = "http://127.0.0.1:1"
key = "key"
signing_secret = "sign"
pass_through_accounts = ["fine"]
[[route]]
prefix = "33"
uplinks = ["rest"]
[[route]]
prefix = "44"
uplinks = ["main"]
[policy]
blocked_senders = ["*BANK*"]
blocked_recipients = ["{LISTED}"]
[services.verify]
per_number = 2
[[price]]
prefix = "4474"
amount = 1.0
"""

MISFORTUNES: Final[Mapping[str, str]] = {
    "fine": "",
    "poor": '[account.poor.billing]\nmode = "prepaid"',
    "used": "[account.used.billing]\nparts_per_day = 1",
    "slow": "[account.slow.rules]\nmessages_per_second = 0.001\nburst_messages = 1",
    "picky": '[account.picky.rules]\nallowed_recipients = ["4475*"]',
    "twice": "[account.twice.rules]\nduplicate_seconds = 600",
    "night": '[account.night.rules]\ndays = ["mon"]\nhours = "03:00-03:01"\noutside_hours = "refuse"',
    "unpriced": '[account.unpriced.billing]\nmode = "postpaid"',
    "named": "",
    "reader": "",
    "paced": "",
}


def account(name: str) -> str:
    """An account with credentials of all four dialects, made of its name."""
    senders = 'senders = ["SHOP"]' if name == "named" else ""
    roles = 'roles = ["read"]' if name == "reader" else ""
    pace = "1" if name == "paced" else "0"
    return f"""
[account.{name}]
{senders}
{roles}
mocean = {{ key = "{name}", secret = "secret" }}
mobtexting = {{ token = "{name}-token" }}
checkmobi = {{ key = "{name}-key" }}
lanck = {{ user = "{name}", password = "password", requests_per_second = {pace} }}
{MISFORTUNES[name]}
"""


TEXT: Final = CONFIG + "".join(account(name) for name in MISFORTUNES)


@asynccontextmanager
async def started(folder: Path, more: str = "") -> AsyncIterator[Gateway]:
    """The gateway, on SQLite in a folder."""
    running = Gateway(settings.parse((TEXT + more).replace("DATA", folder.as_posix())))
    await running.start()
    try:
        yield running
    finally:
        await running.stop()
