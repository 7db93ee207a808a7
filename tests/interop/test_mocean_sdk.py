"""The published Mocean SDK for Python, with nothing but its base_url changed."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from moceansdk import Basic, Client, MoceanErrorException
from moceansdk.modules.message.channel import Channel

from gateway.models import Coding, Receipt, State
from gateway.providers.mocean import Mocean, MoceanOptions
from gateway.providers.ports import NetworkInfo, Price
from tests.gateway.providers.fakes import CODE
from tests.gateway.web.fakes import Behind
from tests.interop.listening import DialectListener

pytestmark = pytest.mark.interop

PRICES = (Price(prefix="", amount=Decimal("0.01"), currency="MYR"),)
HELLO = {"mocean-from": "ME", "mocean-to": "60123456789", "mocean-text": "Hi"}


class Gateway(DialectListener):
    """The dialect, and the SDK pointed at it."""

    @property
    def behind(self) -> Behind:
        return self.world.behind

    def client(self, auth: Basic | None = None, **options: str) -> Any:
        return Client(auth or Basic("KEY", "SECRET"), {"base_url": self.url, **options})


@pytest.fixture(params=["documented", "both"])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    started = Gateway(Mocean(MoceanOptions(error_shape=request.param)))
    started.start()
    yield started
    started.stop()


def test_sms_is_sent(gateway: Gateway) -> None:
    answer = gateway.client().sms.send(dict(HELLO))
    assert str(answer) == '{"messages":[{"status":0,"receiver":"60123456789","msgid":"m1"}]}'
    assert (answer.messages[0].status, answer.messages[0].msgid) == ("0", "m1")
    message = gateway.behind.intake.last
    assert (message.sender, message.recipient, message.text) == ("ME", "60123456789", "Hi")


def test_several_receivers_are_answered_in_order(gateway: Gateway) -> None:
    sms = gateway.client().sms
    sms.add_to("60111111111").add_to("60122222222")
    answer = sms.send({"mocean-from": "ME", "mocean-text": "\u4f60\u597d"})
    assert [item.receiver for item in answer.messages] == ["60111111111", "60122222222"]
    assert gateway.behind.intake.last.coding is Coding.UCS2


def test_flash_sms_is_class_0(gateway: Gateway) -> None:
    assert gateway.client().flash_sms.send(dict(HELLO)).messages[0].status == "0"
    message = gateway.behind.intake.last
    assert (message.message_class, message.data_coding) == (0, 0xF0)


def test_wrong_secret_raises(gateway: Gateway) -> None:
    with pytest.raises(MoceanErrorException) as raised:
        gateway.client(Basic("KEY", "wrong")).sms.send(dict(HELLO))
    assert raised.value.error_response.messages[0].err_msg == "Authorization failed"
    assert raised.value.error_response.messages[0].status == "1"


def test_shape_both_gives_the_exception_its_text() -> None:
    gateway = Gateway(Mocean(MoceanOptions(error_shape="both")))
    gateway.start()
    try:
        with pytest.raises(MoceanErrorException, match="Authorization failed"):
            gateway.client(Basic("KEY", "wrong")).sms.send(dict(HELLO))
    finally:
        gateway.stop()


def test_token_alone_is_enough(gateway: Gateway) -> None:
    assert gateway.client(Basic(api_token="apit-xyz")).sms.send(dict(HELLO)).messages[0].status == "0"
    assert gateway.behind.authenticator.seen[-1].token == "apit-xyz"


@pytest.mark.parametrize("version", ["1", "2"])
def test_xml_is_read_in_both_versions(gateway: Gateway, version: str) -> None:
    answer = gateway.client(version=version).sms.send({**HELLO, "mocean-resp-format": "xml"})
    assert str(answer).startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert (answer.messages[0].status, answer.messages[0].msgid) == ("0", "m1")


def test_schedule_by_date_alone_is_refused(gateway: Gateway) -> None:
    with pytest.raises(MoceanErrorException) as raised:
        gateway.client().sms.set_schedule("2030-01-01").send(dict(HELLO))
    assert raised.value.error_response.messages[0].status == "26"


def test_message_status_is_answered(gateway: Gateway) -> None:
    client = gateway.client()
    client.sms.send(dict(HELLO))
    gateway.behind.lookup.set_state("m1", State.DELIVERED)
    answer = client.message_status.inquiry({"mocean-msgid": "m1"})
    assert (answer.status, answer.message_status, answer.msgid) == ("0", "1", "m1")


def test_call_that_is_not_served_raises_with_its_text(gateway: Gateway) -> None:
    with pytest.raises(MoceanErrorException, match="Invalid request"):
        gateway.client().voice.hangup("some-call")


def test_delivery_report_is_put_as_a_form(gateway: Gateway) -> None:
    gateway.client().sms.set_dlr_url("https://example.com/webhooks/delivery-report").send(dict(HELLO))
    message = msgspec.structs.replace(gateway.behind.intake.last, state=State.DELIVERED)
    receipt = Receipt(group="g", smsc_message_id="17a9", state=State.DELIVERED, error="000")
    callback = Mocean().receipt_callback(message, receipt)
    assert callback is not None
    assert (callback.method, callback.url) == ("PUT", "https://example.com/webhooks/delivery-report")
    assert callback.content_type == "application/x-www-form-urlencoded"
    assert callback.body == (
        b"mocean-from=60123456789&mocean-to=ME&mocean-dlr-status=1&mocean-msgid=m1&mocean-error-code=0"
    )


def test_balance_and_prices_are_told(gateway: Gateway) -> None:
    gateway.world.ledger.list = PRICES
    assert str(gateway.client().balance.inquiry()) == '{"status":0,"value":100.0000}'
    answer = gateway.client().pricing.inquiry()
    assert (answer.status, answer.destinations[0].country, answer.destinations[0].price) == ("0", "Default", "0.0100")


def test_code_is_requested_resent_and_checked(gateway: Gateway) -> None:
    client = gateway.client()
    request = client.verify_request.send_as(Channel.SMS).send({"mocean-to": "60123456789", "mocean-brand": "Shop"})
    assert (request.status, request.reqid) == ("0", "v1")
    again = client.verify_request.resend({"mocean-reqid": "v1"})
    assert (again.status, again.resend_number) == ("0", "1")
    with pytest.raises(MoceanErrorException, match="does not match"):
        client.verify_validate.send({"mocean-reqid": "v1", "mocean-code": "0000"})
    checked = client.verify_validate.send({"mocean-reqid": "v1", "mocean-code": CODE})
    assert (checked.status, checked.reqid) == ("0", "v1")


def test_number_is_looked_up(gateway: Gateway) -> None:
    network = {"name": "U Mobile", "country": "MY", "mcc": "502", "mnc": "18"}
    gateway.world.numbers.networks["60123456789"] = NetworkInfo(
        id="n1", number="60123456789", current_network=network, original_network=network, is_ported=True
    )
    answer = gateway.client().number_lookup.inquiry({"mocean-to": "60123456789"})
    assert (answer.status, answer.current_carrier.name, answer.ported) == ("0", "U Mobile", "ported")
