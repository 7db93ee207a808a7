"""The gateway's settings: every key declared once, with its type, range, default, unit and meaning.

`load` reads a TOML file; `example` prints all of it as a commented file. Errors name file, key, value and expectation.
"""

from gateway.config.accounts import (
    AccountConfig,
    AccountSmppConfig,
    CheckmobiConfig,
    LanckConfig,
    MobtextingConfig,
    MoceanConfig,
)
from gateway.config.billing import AccountBillingConfig, BillingConfig, PriceConfig
from gateway.config.doors import AdminConfig, HttpConfig, SmppConfig
from gateway.config.health import HealthConfig
from gateway.config.inbound import InboundConfig, InboundRuleConfig, KeywordsConfig, RepliesConfig
from gateway.config.node import NodeConfig, PipelineConfig, ReceiptsConfig, StoreConfig, WebhooksConfig
from gateway.config.policy import AccountRulesConfig, PolicyConfig, SenderCountryConfig
from gateway.config.retention import RetentionConfig
from gateway.config.root import Config, example, load, parse, split_listen
from gateway.config.routing import CostConfig, NetworkConfig, RouteConfig, RoutingConfig
from gateway.config.services import FlowsConfig, LookupConfig, ServicesConfig, VerifyConfig
from gateway.config.uplinks import (
    DestinationConfig,
    RecipientRuleConfig,
    SenderRuleConfig,
    SourceConfig,
    StatusConfig,
    TlsConfig,
    TlvConfig,
    UplinkConfig,
)
from gateway.errors import ConfigError
from gateway.settings import Secret

__all__ = [
    "RetentionConfig",
    "AccountBillingConfig",
    "BillingConfig",
    "PriceConfig",
    "AccountConfig",
    "AccountRulesConfig",
    "AccountSmppConfig",
    "AdminConfig",
    "CheckmobiConfig",
    "Config",
    "ConfigError",
    "CostConfig",
    "DestinationConfig",
    "FlowsConfig",
    "HealthConfig",
    "HttpConfig",
    "InboundConfig",
    "InboundRuleConfig",
    "KeywordsConfig",
    "LanckConfig",
    "LookupConfig",
    "MobtextingConfig",
    "MoceanConfig",
    "NetworkConfig",
    "NodeConfig",
    "PipelineConfig",
    "PolicyConfig",
    "ReceiptsConfig",
    "RecipientRuleConfig",
    "RepliesConfig",
    "RouteConfig",
    "RoutingConfig",
    "Secret",
    "SenderCountryConfig",
    "SenderRuleConfig",
    "ServicesConfig",
    "SmppConfig",
    "SourceConfig",
    "StatusConfig",
    "StoreConfig",
    "TlsConfig",
    "TlvConfig",
    "UplinkConfig",
    "VerifyConfig",
    "WebhooksConfig",
    "example",
    "load",
    "parse",
    "split_listen",
]
