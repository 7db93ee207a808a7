"""This process, its store, and what happens inside: queue, receipts, callbacks."""

from typing import Annotated

import msgspec

from gateway.settings import Secret, setting


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """This process."""

    name: Annotated[str, setting("Its name, unlike that of any other node.", pattern="^[A-Za-z0-9_.-]{1,64}$")] = (
        "node-1"
    )
    secret_key: Annotated[
        Secret,
        setting(
            "Hashes the keys and encrypts the secrets that the store keeps; the same on every node. Empty: a node with"
            " a database of its own makes one and keeps it beside that."
        ),
    ] = Secret()
    other_secret_keys: Annotated[
        tuple[Secret, ...],
        setting(
            "Keys that open what was sealed and hashed with them, and make nothing: earlier ones, and the next before"
            " it is put in secret_key."
        ),
    ] = ()
    shutdown_seconds: Annotated[
        float,
        setting("How long a stop may take before connections are closed as they are.", unit="seconds", ge=0, le=600),
    ] = 15.0
    lease_seconds: Annotated[
        float,
        setting("How long after its last sign of life others take over its work.", unit="seconds", ge=1, le=600),
    ] = 15.0


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages are kept."""

    url: Annotated[
        str,
        setting(
            "sqlite:PATH for one node, postgresql://USER@HOST/DATABASE for several (its password from PGPASSWORD or"
            " a password file); memory: keeps nothing and is for trials only."
        ),
    ] = "sqlite:data/gateway.db"
    queue_limit: Annotated[
        int, setting("Rows that may wait for a commit; beyond it senders are told to try again.", ge=1, le=10_000_000)
    ] = 20_000
    commit_batch: Annotated[int, setting("The most rows in one commit.", ge=1, le=100_000)] = 2_000
    idempotency_seconds: Annotated[
        int,
        setting("How long a request's idempotency key and its answer are kept.", unit="seconds", ge=60, le=2_592_000),
    ] = 86_400


class PipelineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What happens between accepting and sending."""

    queue_limit: Annotated[
        int, setting("Messages held in memory for each uplink; the rest waits in the store.", ge=1, le=1_000_000)
    ] = 10_000


class ReceiptsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Delivery receipts."""

    parked_seconds: Annotated[
        int,
        setting(
            "How long a receipt waits for the response that tells its message id.", unit="seconds", ge=1, le=604_800
        ),
    ] = 3_600
    deadline_seconds: Annotated[
        int,
        setting(
            "When a message without a final receipt becomes `unknown`.",
            unit="seconds after it was accepted",
            ge=60,
            le=2_592_000,
        ),
    ] = 259_200
    settled_seconds: Annotated[
        int,
        setting(
            "How long after its end a message is still found by receipts, which some SMSCs repeat; the longer, the"
            " larger an index that each message is written to.",
            unit="seconds",
            ge=60,
            le=5_184_000,
        ),
    ] = 3_600
    lifetime_seconds: Annotated[
        int,
        setting(
            "How long a receipt may still find its message; ids recycle.",
            unit="seconds after it was accepted",
            ge=60,
            le=5_184_000,
        ),
    ] = 345_600


class WebhooksConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Callbacks to those who sent or subscribed."""

    timeout_seconds: Annotated[float, setting("For one try.", unit="seconds", ge=0.1, le=120)] = 10.0
    retry_seconds: Annotated[
        tuple[Annotated[float, setting("A pause.", unit="seconds", ge=0.1, le=86_400)], ...],
        setting("Pauses between tries, each varied by a quarter; the last one repeats.", min_length=1),
    ] = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400)
    give_up_seconds: Annotated[
        int, setting("When a callback is kept as failed instead of tried again.", unit="seconds", ge=1, le=129_600)
    ] = 129_600
    per_host: Annotated[int, setting("Requests to one host at a time.", ge=1, le=1_000)] = 10
    concurrency: Annotated[int, setting("Requests in all at a time.", ge=1, le=10_000)] = 200
    response_limit_bytes: Annotated[int, setting("How much of an answer is read.", unit="bytes", ge=0, le=1 << 20)] = (
        65_536
    )
    circuit_failures: Annotated[int, setting("Failures in a row after which a host is left alone.", ge=1, le=1_000)] = 5
    circuit_seconds: Annotated[
        float, setting("For how long; then one request tries it.", unit="seconds", ge=0.1, le=3_600)
    ] = 30.0
    allow_private_networks: Annotated[
        tuple[str, ...],
        setting("Networks a callback may go to though they are not public, as CIDR: 10.0.0.0/8."),
    ] = ()
