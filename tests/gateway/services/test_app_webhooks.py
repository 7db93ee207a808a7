"""What webhooks of apps add to callbacks as these leave."""

import pytest

from gateway.models import Callback
from gateway.optouts import OptOuts
from gateway.providers import PROVIDERS
from gateway.providers.ports import NotOffered
from gateway.sealing import Sealer
from gateway.services.app_webhooks import AppWebhooks
from gateway.services.directory import DirectoryService
from gateway.store.memory import MemoryStore
from tests.gateway.services.desk import ACCOUNT, SEALER, Clock

COMPOSED = {"url": "https://app.example/{{id}}", "method": "PUT", "headers": {"X-Key": "hush"}, "body": "{{status}}"}
WAITING = Callback(
    id="1",
    account=ACCOUNT,
    url="https://app.example/",
    body=b'{"id": "m1", "status": "DELIVRD"}',
    headers=((":compose", "w1"),),
    dialect="mobtexting",
)


def directory(sealer: Sealer | None = SEALER) -> DirectoryService:
    store = MemoryStore()
    return DirectoryService(store, OptOuts(store, clock=Clock()), sealer=sealer, clock=Clock())


def hooks(over: DirectoryService) -> AppWebhooks:
    return AppWebhooks(lambda: over, {"mobtexting": PROVIDERS["mobtexting"].make_dialect(), "lanck": object()})


async def test_tokens_and_requests_are_those_of_the_accounts_own_webhook() -> None:
    over = directory()
    await over.add(ACCOUNT, "webhook", "w1", {"uri": "https://app.example/{{id}}", "secret": "s", "composed": COMPOSED})
    assert await hooks(over).bearer_of(ACCOUNT, "w1") == "s"
    assert await hooks(over).bearer_of("other", "w1") == ""
    made = await hooks(over).complete(WAITING, "w1")
    assert (made.id, made.url, made.method, made.body) == ("1", "https://app.example/m1", "PUT", b"DELIVRD")
    assert dict(made.headers)["X-Key"] == "hush"


@pytest.mark.parametrize("dialect", ["lanck", "gone"])
async def test_a_webhook_that_is_gone_or_anothers_adds_nothing(dialect: str) -> None:
    over = directory()
    waiting = Callback(
        id="1", account="other", url="https://app.example/", headers=((":compose", "w1"),), dialect=dialect
    )
    await over.add(ACCOUNT, "webhook", "w1", {"uri": "https://app.example/", "composed": COMPOSED})
    made = await hooks(over).complete(waiting, "w1")
    assert (made.url, made.headers) == (waiting.url, ())


async def test_what_an_app_composes_is_not_kept_in_clear() -> None:
    with pytest.raises(NotOffered):
        await directory(None).add(ACCOUNT, "webhook", "w1", {"uri": "https://app.example/", "composed": COMPOSED})
