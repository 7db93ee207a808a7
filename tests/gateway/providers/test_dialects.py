"""What holds for every dialect, whatever its words."""

import pytest

from gateway.providers import PROVIDERS
from gateway.providers.seams import ServiceCallbacks


@pytest.mark.parametrize("name", PROVIDERS)
def test_it_has_words_for_what_services_report(name: str) -> None:
    # One that lacks any of them is told of none: what it asks of services is refused as if nobody offered it.
    assert isinstance(PROVIDERS[name].make_dialect(), ServiceCallbacks)
