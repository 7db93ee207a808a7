"""Messages and receipts as lines for a person and as JSON objects."""

from smpp.constants import EsmClass
from smpp.receipts import payload_of, receipt_of, text_of
from smpp.sms import Receipt, concat_of, split_udh
from smpp.wire.pdu import DataSm, DeliverSm
from smpp.wire.tlv import STANDARD

Shown = dict[str, object]


def message_object(message: DeliverSm | DataSm, default_alphabet: str) -> Shown:
    """A deliver_sm or data_sm from an SMSC as a JSON object."""
    receipt = receipt_of(message, default_alphabet)
    shown: Shown = {
        "kind": "message" if receipt is None else "receipt",
        "command": message.command_name,
        "source": message.source_addr,
        "destination": message.destination_addr,
        "esm_class": message.esm_class,
        "data_coding": message.data_coding,
        "octets": payload_of(message).hex(),
        "tlvs": [
            {"tag": tag, "name": name, "value": value.hex()} for tag, name, value in message.tlvs.describe(STANDARD)
        ],
    }
    if receipt is not None:
        return shown | {"receipt": receipt_object(receipt)}
    shown["text"] = text_of(message, default_alphabet)
    part = _part(message)
    return shown | ({"part": part} if part else {})


def message_line(message: DeliverSm | DataSm, default_alphabet: str) -> str:
    """A deliver_sm or data_sm from an SMSC in one line."""
    receipt = receipt_of(message, default_alphabet)
    between = f"{message.source_addr} to {message.destination_addr}"
    if receipt is not None:
        return f"receipt from {between}: {receipt_line(receipt)}"
    part = _part(message)
    which = f" (part {part['number']} of {part['total']})" if part else ""
    return f"message from {between}{which}: {text_of(message, default_alphabet)!r}"


def receipt_object(receipt: Receipt) -> Shown:
    """A receipt as a JSON object."""
    return {
        "id": receipt.id,
        "state": receipt.state.name if receipt.state is not None else None,
        "is_final": receipt.is_final,
        "stat": receipt.stat,
        "error": receipt.error,
        "submit_date": receipt.submit_date_text,
        "done_date": receipt.done_date_text,
        "text": receipt.text,
    }


def receipt_line(receipt: Receipt) -> str:
    """A receipt in a few words."""
    state = receipt.state.name if receipt.state is not None else receipt.stat or "no state"
    error = f" err {receipt.error}" if receipt.error.strip("0") else ""
    done = f" done {receipt.done_date_text}" if receipt.done_date_text else ""
    return f"{receipt.id} {state}{error}{done}"


def _part(message: DeliverSm | DataSm) -> dict[str, int] | None:
    header = split_udh(payload_of(message))[0] if message.esm_class & EsmClass.UDHI else None
    found = concat_of(header, dict(reversed(message.tlvs)))
    if found is None:
        return None
    concat = found[0]
    return {"reference": concat.reference, "number": concat.number, "total": concat.total}
