"""Where the gateway listens: HTTP apps, the operator, SMPP customers."""

from typing import Annotated

import msgspec

from gateway.settings import Secret, setting


class DialectDoorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where one provider's API is served at the root path, for apps that can change nothing but their host."""

    hosts: Annotated[
        tuple[
            Annotated[str, setting("A host name, lower case.", pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")], ...
        ],
        setting("Names under which requests to http.listen are all this provider's; empty: none."),
    ] = ()
    listen: Annotated[str, setting("Address and port of its own, for this provider alone; empty: none.")] = ""


class DialectDoorsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Doors of providers' APIs besides their paths, which are served in any case."""

    mocean: DialectDoorConfig = DialectDoorConfig()
    mobtexting: DialectDoorConfig = DialectDoorConfig()
    lanck: DialectDoorConfig = DialectDoorConfig()
    checkmobi: DialectDoorConfig = DialectDoorConfig()

    def by_name(self) -> dict[str, DialectDoorConfig]:
        """The same by the provider's name."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class HttpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where HTTP apps send their messages."""

    listen: Annotated[str, setting("Address and port; port 0 takes a free one.")] = "127.0.0.1:8080"
    body_limit_bytes: Annotated[int, setting("The largest request body taken.", unit="bytes", ge=1024, le=1 << 30)] = (
        8 << 20
    )
    batch_limit: Annotated[int, setting("The most messages in one request.", unit="messages", ge=1, le=100_000)] = (
        10_000
    )
    public_url: Annotated[
        str,
        setting("Where providers reach this listener from outside, https://host[/path]; empty: they cannot call back."),
    ] = ""
    callback_secrets: Annotated[
        tuple[Secret, ...],
        setting("Make the callback addresses unguessable. The first makes new ones; older ones are taken as well."),
    ] = ()
    dialect: DialectDoorsConfig = DialectDoorsConfig()


class AdminConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's own listener: health, metrics, binds. Keep it off the internet."""

    listen: Annotated[str, setting("Address and port; port 0 takes a free one.")] = "127.0.0.1:8081"
    metrics_networks: Annotated[
        tuple[str, ...], setting("Networks from which /metrics needs no key, as CIDR: 192.0.2.0/24.")
    ] = ("127.0.0.0/8", "::1/128")


class SmppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where SMPP customers bind to us."""

    listen: Annotated[str, setting("Address and port for plain connections; empty: none.", sample="127.0.0.1:2775")] = (
        ""
    )
    tls_listen: Annotated[str, setting("Address and port for connections with TLS; empty: none.")] = ""
    cert_file: Annotated[str, setting("Our certificate with its chain, for tls_listen (PEM).")] = ""
    key_file: Annotated[str, setting("Its key (PEM); empty: it is in cert_file.")] = ""
    client_ca_file: Annotated[
        str, setting("Authorities one of which must have signed a customer's certificate (PEM); empty: none is asked.")
    ] = ""
    system_id: Annotated[str, setting("Who we are, in answers to binds.", max_length=15)] = "SMSC"
    proxy_from: Annotated[
        tuple[str, ...],
        setting("Load balancers' networks, as CIDR: they say who connects by a PROXY header, version 1 or 2."),
    ] = ()
    max_connections: Annotated[int, setting("Connections in all.", ge=1, le=100_000)] = 1_000
    max_unbound_per_address: Annotated[
        int, setting("Connections of one address that have not bound.", ge=1, le=100_000)
    ] = 50
    bind_seconds: Annotated[float, setting("How long a connection may take to bind.", unit="seconds", ge=1, le=600)] = (
        10.0
    )
    enquire_link_seconds: Annotated[float, setting("Pause between signs of life.", unit="seconds", ge=1, le=3_600)] = (
        60.0
    )
    inactivity_seconds: Annotated[
        float, setting("When a bind without messages is ended; 0: never.", unit="seconds", ge=0, le=86_400)
    ] = 0.0
    response_timeout_seconds: Annotated[
        float, setting("When a receipt without a response is sent again.", unit="seconds", ge=0.1, le=600)
    ] = 30.0
    retry_seconds: Annotated[
        float, setting("First pause after a customer refused a receipt; it doubles.", unit="seconds", ge=0.01, le=3_600)
    ] = 1.0
    retry_max_seconds: Annotated[float, setting("Longest such pause.", unit="seconds", ge=0.01, le=86_400)] = 300.0
    hold_seconds: Annotated[
        int,
        setting(
            "How long receipts and inbound messages wait for a bind; then they are kept as failed.",
            unit="seconds",
            ge=60,
            le=31_536_000,
        ),
    ] = 604_800
