"""What an app says of a message that it sent, told to the provider by which the message left."""

from collections.abc import Mapping
from typing import Final

from gateway.providers.base import Services, WebAnswer, WebRequest
from gateway.providers.forms import encode_form
from gateway.providers.ports import NotOffered

_FORM: Final = "application/x-www-form-urlencoded"


async def tell_provider(
    services: Services, account: str, provider: str, message_id: str, path: str, fields: Mapping[str, str]
) -> WebAnswer | None:
    """The provider's answer; None where the message did not leave by an uplink to it, or none may be used so.

    Args:
        provider: whose words they are.
        message_id: ours; `{id}` in path and fields becomes the provider's.

    Raises:
        gateway.providers.ports.NoAnswer: it may not have heard.
    """
    parts = await services.lookup.parts(message_id)
    taken = next((part for part in parts if part.smsc_message_id and part.uplink), None)
    if taken is None:
        return None
    theirs = taken.smsc_message_id
    written = {name: value.replace("{id}", theirs) for name, value in fields.items()}
    path = path.replace("{id}", theirs)
    request = WebRequest(
        method="POST",
        path=path,
        content_type=_FORM,
        body=encode_form(written.items()).encode("ascii"),
        headers={"Content-Type": _FORM},
    )
    try:
        return await services.pass_through.forward(account, provider, request, path=path, uplink=taken.uplink)
    except NotOffered:
        return None
