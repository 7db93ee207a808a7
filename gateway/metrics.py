"""What the gateway counts. Labels are names from the config and words of our own: never ids, numbers or secrets."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

disable_created_metrics()  # type: ignore[no-untyped-call]  # A second series for each counter, which nobody asked for.

COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The gateway's counters, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()
        self.accepted = Counter(
            "gateway_messages_accepted", "Messages accepted.", ["account", "door"], registry=registry
        )
        self.refused = Counter("gateway_messages_refused", "Messages refused.", ["code"], registry=registry)
        self.submitted = Counter("gateway_parts_submitted", "Attempts to submit a part.", ["uplink"], registry=registry)
        self.results = Counter(
            "gateway_results", "Ends of attempts to submit a part.", ["uplink", "outcome"], registry=registry
        )
        self.ended = Counter(
            "gateway_messages_ended", "Messages the gateway itself gave up.", ["state"], registry=registry
        )
        self.receipts = Counter("gateway_receipts", "Delivery receipts.", ["group", "state"], registry=registry)
        self.parked = Counter(
            "gateway_receipts_parked", "Receipts that came before their response.", ["group"], registry=registry
        )
        self.orphans = Counter(
            "gateway_receipts_orphaned", "Receipts whose message never turned up.", registry=registry
        )
        self.unknown = Counter(
            "gateway_receipts_missing", "Parts whose receipt did not come in time.", registry=registry
        )
        self.inbound = Counter("gateway_inbound", "Messages from handsets.", ["uplink", "claimed"], registry=registry)
        self.callbacks = Counter("gateway_callbacks", "Tries to deliver a callback.", ["outcome"], registry=registry)
        self.deliveries = Counter(
            "gateway_smpp_deliveries", "Tries to deliver over a customer's bind.", ["account", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.smpp_refused = Counter(
            "gateway_smpp_refused", "Messages and destinations refused at the SMPP door.", ["code"], registry=registry
        )
        self.customer_binds = Gauge(
            "gateway_smpp_customer_binds", "Binds of customers.", ["account"], registry=registry
        )
        self.queue_depth = Gauge(
            "gateway_queue_depth", "Messages held in memory for an uplink.", ["uplink"], registry=registry
        )
        self.out_of_use = Gauge(
            "gateway_uplink_out_of_use", "What the operator paused or drained: the uplink, its servers, its binds.",
            ["uplink", "state"], registry=registry,
        )  # fmt: skip
        self.limit_share = Gauge(
            "gateway_limit_share", "This node's share of the limits of accounts that send nothing now.",
            registry=registry,
        )  # fmt: skip
        self.uplink_health = Gauge(
            "gateway_uplink_health", "1 for what an uplink is now: well, sick or on_trial.", ["uplink", "state"],
            registry=registry,
        )  # fmt: skip
        self.uplink_sick = Counter(
            "gateway_uplink_sick", "Times an uplink was found sick.", ["uplink"], registry=registry
        )
        self.commit_seconds = Histogram(
            "gateway_commit_seconds", "Time of a commit.", buckets=COMMIT_BUCKETS, registry=registry
        )
        self.commit_rows = Counter("gateway_commit_rows", "Rows committed.", registry=registry)
        self.provider_requests = Counter(
            "gateway_provider_requests", "Requests to providers.", ["uplink", "purpose", "outcome"], registry=registry
        )
        self.provider_callbacks = Counter(
            "gateway_provider_callbacks", "Requests of providers to us.", ["uplink", "outcome"], registry=registry
        )
        self.provider_pauses = Counter(
            "gateway_provider_pauses", "Times a provider that failed was left alone.", ["uplink"], registry=registry
        )
        self.verifications = Counter(
            "gateway_verifications", "What happened to verifications.", ["door", "outcome"], registry=registry
        )
        self.verify_blocked = Counter(
            "gateway_verifications_blocked", "Codes that a guard has kept back.", ["code"], registry=registry
        )
        self.store_errors = Counter("gateway_store_errors", "Commits that failed.", ["work"], registry=registry)

    def on_commit(self, seconds: float, rows: int) -> None:
        """Note a commit: for `open_store(…, on_commit=metrics.on_commit)`."""
        self.commit_seconds.observe(seconds)
        self.commit_rows.inc(rows)

    def render(self) -> bytes:
        """The text that Prometheus reads; its media type is CONTENT_TYPE."""
        return generate_latest(self.registry)
