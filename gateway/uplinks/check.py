"""Try an uplink without sending anything: bind to each server as a transmitter, which gets no receipts, and unbind."""

from dataclasses import replace

from gateway.config import UplinkConfig
from gateway.uplinks.smpp import client_config
from smpp import BindMode, Client, SmppError
from smpp.client import Link
from smpp.endpoint import Endpoint, client_tls
from smpp.receipts import ReceiptDesk


async def check_uplink(config: UplinkConfig, timeout_seconds: float) -> list[tuple[str, str]]:
    """Bind to every server of an uplink, one after the other.

    Returns:
        Each server with what is wrong, or with "" where it let us in.
    """
    return [(server, await _check_server(server, config, timeout_seconds)) for server in config.servers]


async def _check_server(server: str, config: UplinkConfig, timeout_seconds: float) -> str:
    endpoint = replace(
        Endpoint.parse(server),
        system_id=config.system_id,
        password=config.password.reveal(),
        bind_mode=BindMode.TRANSMITTER,
    )
    tls = config.tls
    try:
        link = Link(
            endpoint,
            replace(client_config(config), connect_timeout_seconds=timeout_seconds),
            name=endpoint.name,
            desk=ReceiptDesk(),
            ssl_context=client_tls(tls.ca_file or None, tls.cert_file or None, tls.key_file or None)
            if endpoint.tls
            else None,
        )
        async with Client(link):
            return ""
    except (SmppError, OSError) as error:
        return str(error)
