"""Try an uplink without sending anything.

An SMSC's servers are bound to as a transmitter, which gets no receipts; a provider is asked something that is free.
"""

from dataclasses import replace

import msgspec

from gateway.config import UplinkConfig
from gateway.providers import CONNECTORS
from gateway.uplinks.rest import client_of, settings_of
from gateway.uplinks.rest_http import NoReply
from gateway.uplinks.smpp import client_config
from smpp import BindMode, Client, SmppError
from smpp.client import Link
from smpp.endpoint import Endpoint, client_tls
from smpp.receipts import ReceiptDesk


async def check_uplink(config: UplinkConfig, timeout_seconds: float) -> list[tuple[str, str]]:
    """Bind to every server of an uplink, one after the other, or ask its provider.

    Returns:
        Each server with what is wrong, or with "" where it let us in.
    """
    if config.kind != "smpp":
        return [(config.base_url, await _check_provider(config, timeout_seconds))]
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


async def _check_provider(config: UplinkConfig, timeout_seconds: float) -> str:
    hurried = msgspec.structs.replace(config, timeout_seconds=timeout_seconds, connect_timeout_seconds=timeout_seconds)
    connector = CONNECTORS[config.kind](settings_of(config))
    client = client_of(hurried, connector)
    try:
        return connector.probed(await client.call(connector.probe()))
    except NoReply as error:
        return str(error)
    finally:
        await client.close()
