"""Who answers which call of which provider's document, as a page: ``python -m gateway.providers.catalogue``."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gateway.providers.checkmobi import endpoints as checkmobi
from gateway.providers.endpoints import Endpoint
from gateway.providers.lanck import endpoints as lanck
from gateway.providers.mobtexting import endpoints as mobtexting
from gateway.providers.mocean import endpoints as mocean

CATALOGUE: Final[Mapping[str, tuple[str, Sequence[Endpoint]]]] = {
    "mocean": ("Mocean", mocean.ENDPOINTS),
    "mobtexting": ("MOBtexting", mobtexting.ENDPOINTS),
    "lanck": ("Lanck", lanck.ENDPOINTS),
    "checkmobi": ("CheckMobi", checkmobi.ENDPOINTS),
}
"""By the name of the dialect: the provider's own, and its calls."""


def page() -> str:
    """The whole table in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Every call of the four providers"
    yield ""
    yield "Made by `make docs` from the tables that route the calls."
    yield ""
    yield "- **own**: carried out over whatever uplink the routes choose."
    yield "- **local**: answered from what the gateway keeps."
    yield "- **pass**: carried out by the provider itself, where an uplink of that kind is configured; else refused"
    yield "  in the dialect's own words."
    for name, (title, endpoints) in CATALOGUE.items():
        counts = {served: sum(row.served == served for row in endpoints) for served in ("own", "local", "pass")}
        yield ""
        yield f"## {title}"
        yield ""
        yield f"Under `/{name}`: {counts['own']} own, {counts['local']} local, {counts['pass']} passed on."
        yield ""
        yield "| call | | what it does | less than the provider |"
        yield "|---|---|---|---|"
        for row in endpoints:
            yield f"| `{row.method} {row.path}` | {row.served} | {row.summary} | {row.limit} |"


if __name__ == "__main__":
    sys.stdout.write(page())
