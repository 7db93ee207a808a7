"""The providers by name. A new one is a folder beside `mocean` and one line here."""

from collections.abc import Mapping
from typing import Final

from gateway.providers.base import Provider
from gateway.providers.mocean import spec as mocean
from gateway.providers.mocean.dialect import Mocean

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (Provider(name=mocean.NAME, prefix=mocean.PREFIX, make_dialect=Mocean),)
}
