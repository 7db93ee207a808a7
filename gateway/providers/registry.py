"""The providers by name. A new one is a folder beside `mocean` and two lines here."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.providers.base import Provider
from gateway.providers.checkmobi import spec as checkmobi
from gateway.providers.checkmobi.connector import CheckmobiConnector
from gateway.providers.checkmobi.dialect import Checkmobi
from gateway.providers.connecting import Connector, ConnectorSettings
from gateway.providers.lanck import spec as lanck
from gateway.providers.lanck.connector import LanckConnector
from gateway.providers.lanck.dialect import Lanck
from gateway.providers.mobtexting import spec as mobtexting
from gateway.providers.mobtexting.connector import MobtextingConnector
from gateway.providers.mobtexting.dialect import Mobtexting
from gateway.providers.mocean import spec as mocean
from gateway.providers.mocean.connector import MoceanConnector
from gateway.providers.mocean.dialect import Mocean

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider
    for provider in (
        Provider(name=mocean.NAME, prefix=mocean.PREFIX, make_dialect=Mocean),
        Provider(name=mobtexting.NAME, prefix=mobtexting.PREFIX, make_dialect=Mobtexting),
        Provider(name=lanck.NAME, prefix=lanck.PREFIX, make_dialect=Lanck),
        Provider(name=checkmobi.NAME, prefix=checkmobi.PREFIX, make_dialect=Checkmobi),
    )
}
"""Those that apps may speak to us as."""

CONNECTORS: Final[Mapping[str, Callable[[ConnectorSettings], Connector]]] = {
    connector.name: connector
    for connector in (MoceanConnector, MobtextingConnector, LanckConnector, CheckmobiConnector)
}
"""Those that messages may leave through, by the kind of the uplink."""
