"""What the operator does while the gateway runs, whatever door it is asked through."""

from gateway.operations.accounts import AccountDesk, AccountStatus
from gateway.operations.nodes import NodeDesk, NodeView
from gateway.operations.operator import Operator, Reloaded
from gateway.operations.outbox import Outbox
from gateway.operations.queue import QueueDesk
from gateway.operations.secrets import Resealed, SealedLine, SecretDesk, SecretStatus
from gateway.operations.uplinks import BindView, UplinkDesk, UplinkStatus

__all__ = [
    "AccountDesk",
    "AccountStatus",
    "BindView",
    "NodeDesk",
    "NodeView",
    "Operator",
    "Outbox",
    "QueueDesk",
    "Reloaded",
    "Resealed",
    "SealedLine",
    "SecretDesk",
    "SecretStatus",
    "UplinkDesk",
    "UplinkStatus",
]
