"""All settings as one tree, and the file they are read from."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from gateway import settings
from gateway.config.accounts import AccountConfig
from gateway.config.billing import BillingConfig, PriceConfig
from gateway.config.checks import check
from gateway.config.doors import AdminConfig, HttpConfig, SmppConfig
from gateway.config.inbound import InboundConfig, InboundRuleConfig, KeywordsConfig
from gateway.config.node import NodeConfig, PipelineConfig, ReceiptsConfig, StoreConfig, WebhooksConfig
from gateway.config.policy import PolicyConfig, SenderCountryConfig
from gateway.config.retention import RetentionConfig
from gateway.config.routing import NetworkConfig, RouteConfig, RoutingConfig
from gateway.config.services import ServicesConfig
from gateway.config.uplinks import UplinkConfig
from gateway.errors import ConfigError
from gateway.settings import setting

Name = Annotated[str, setting("A name.", pattern="^[A-Za-z0-9_-]{1,64}$")]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings."""

    http: HttpConfig = HttpConfig()
    admin: AdminConfig = AdminConfig()
    smpp: SmppConfig = SmppConfig()
    node: NodeConfig = NodeConfig()
    store: StoreConfig = StoreConfig()
    pipeline: PipelineConfig = PipelineConfig()
    receipts: ReceiptsConfig = ReceiptsConfig()
    retention: RetentionConfig = RetentionConfig()
    webhooks: WebhooksConfig = WebhooksConfig()
    services: ServicesConfig = ServicesConfig()
    uplink: dict[Name, UplinkConfig] = {}
    routing: RoutingConfig = RoutingConfig()
    route: tuple[RouteConfig, ...] = ()
    network: tuple[NetworkConfig, ...] = ()
    policy: PolicyConfig = PolicyConfig()
    sender_country: tuple[SenderCountryConfig, ...] = ()
    inbound: InboundConfig = InboundConfig()
    inbound_rule: tuple[InboundRuleConfig, ...] = ()
    keywords: KeywordsConfig = KeywordsConfig()
    billing: BillingConfig = BillingConfig()
    price: tuple[PriceConfig, ...] = ()
    account: dict[Name, AccountConfig] = {}


def load(path: str | Path) -> Config:
    """Read a config file.

    Raises:
        ConfigError: it cannot be read, or something in it cannot be.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), "(file)", None, f"a file that can be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "(file)", None, "UTF-8 text") from None
    return parse(text, str(path))


def parse(text: str, file: str = "<config>") -> Config:
    """Read settings from TOML text.

    Raises:
        ConfigError: something in it cannot be.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "(syntax)", None, f"TOML: {error}") from None
    config = settings.decode(Config, table, file=file)
    named = {
        name: msgspec.structs.replace(uplink, group=uplink.group or name) for name, uplink in config.uplink.items()
    }
    config = msgspec.structs.replace(config, uplink=named)
    check(config, file)
    return config


def example() -> str:
    """A commented TOML file of every setting."""
    return settings.example(Config)


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of a `listen` setting."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
