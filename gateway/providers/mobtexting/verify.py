"""One-time codes in MOBtexting's words: sent over channels in order, compared once; profiles name the order."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.forms import is_message_id
from gateway.providers.mobtexting import answers, spec
from gateway.providers.mobtexting.request import Asked, Refused, invalid, missing, object_of, text_of
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import Entry, NameTaken, NotOffered
from gateway.providers.verifying import (
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
    VerifyStep,
)

PROFILE: Final = "verify_profile"
CHANNELS: Final = ("sms", "whatsapp", "voice", "viber", "rcs")
MAX_CHANNELS: Final = 5
MAX_PROFILE_NAME: Final = 64
CODE_LENGTHS: Final = range(4, 11)
DEFAULT_LENGTH: Final = 6
TIMEOUT_SECONDS: Final = range(10, 86_401)
DEFAULT_TIMEOUT: Final = 120
WAIT_SECONDS: Final = range(1, 3_601)
DEFAULT_WAIT: Final = 30
VOICE_WAIT: Final = 60
MAX_ATTEMPTS: Final = 5
DEFAULT_SENDER: Final = "VERIFY"

STATUS_OF: Final[Mapping[VerifyStatus, str]] = {
    VerifyStatus.PENDING: "sent",
    VerifyStatus.VERIFIED: "success",
    VerifyStatus.FAILED: "failed",
    VerifyStatus.EXPIRED: "expired",
    VerifyStatus.CANCELLED: "cancelled",
    VerifyStatus.UNDELIVERED: "failed",
}

CHECK_STATUS: Final[Mapping[VerifyProblem, str]] = {
    VerifyProblem.NOT_FOUND: "failed",
    VerifyProblem.WRONG_CODE: "invalid",
    VerifyProblem.TOO_MANY_ATTEMPTS: "failed",
    VerifyProblem.EXPIRED: "expired",
    VerifyProblem.ENDED: "failed",
}
"""What a check that did not succeed is answered with; the HTTP status is 200 all the same."""

HTTP_OF_PROBLEM: Final[Mapping[VerifyProblem, int]] = {
    VerifyProblem.CONCURRENT: 409,
    VerifyProblem.TOO_SOON: 429,
    VerifyProblem.TOO_MANY_SENDS: 429,
    VerifyProblem.BLOCKED: 429,
    VerifyProblem.NO_FUNDS: 400,
    VerifyProblem.NO_ROUTE: 400,
    VerifyProblem.NOT_FOUND: 404,
    VerifyProblem.EXPIRED: 409,
    VerifyProblem.ENDED: 409,
}
"""Of a verification that cannot begin or end; any other problem is the request's: 422."""


async def send(asked: Asked) -> WebAnswer:
    """verify/send: channels of the caller's own."""
    channels = asked.fields.get("channels")
    if not isinstance(channels, list) or not 1 <= len(channels) <= MAX_CHANNELS:
        raise missing("channels")
    steps = _steps(channels)
    return await _begin(asked, steps, object_of(asked.fields, "payload"), reference_name="foreign_id")


async def send_plain(asked: Asked) -> WebAnswer:
    """verify, the old form: by SMS."""
    to = asked.required("to")
    steps = (VerifyStep(channel="sms", sender=asked.text("from") or DEFAULT_SENDER, recipient=_number(to)),)
    payload = {**asked.fields, "foreign_id": asked.text("reference")}
    return await _begin(asked, steps, payload, reference_name="reference")


async def send_by_profile(asked: Asked) -> WebAnswer:
    """verify/omni/send: channels as a profile has them."""
    name = asked.required("profile")
    found = await asked.services.directory.by_name(asked.account, PROFILE, name)
    if not found or str(found[0].fields.get("status")) != "1":
        raise invalid("profile", "The selected profile is invalid.")
    to = _number(text_of(object_of(asked.fields, "recipient"), "to"))
    channels = [{**channel, "recipient": {"to": to}} for channel in _channels_of(found[0])]
    if not channels:
        raise invalid("profile", "The profile has no channels.")
    payload = dict(object_of(asked.fields, "payload"))
    template = next((text_of(one, "template") for one in channels if text_of(one, "template")), "")
    payload["template"] = text_of(payload, "template") or template
    return await _begin(asked, _steps(channels), payload, reference_name="foreign_id")


def _steps(channels: Sequence[object]) -> tuple[VerifyStep, ...]:
    wanted: list[tuple[int, VerifyStep]] = []
    for at, channel in enumerate(channels):
        if not isinstance(channel, Mapping):
            raise invalid("channels", "Each channel must be an object.")
        name = text_of(channel, "name")
        if name not in CHANNELS:
            raise invalid(f"channels.{at}.name", "The selected name is invalid.")
        number = _number(text_of(object_of(channel, "recipient"), "to"))
        wait = _whole(channel, "wait", WAIT_SECONDS, DEFAULT_WAIT)
        order = _whole(channel, "order", range(1_000), at)
        rest = {key: str(value) for key, value in channel.items() if key in ("flow_id", "language", "ttl")}
        # A call needs its time before the next way is tried.
        wait = max(wait, VOICE_WAIT) if name == "voice" else wait
        step = VerifyStep(
            channel=name, sender=text_of(channel, "from"), recipient=number, wait_seconds=wait, fields=rest
        )
        wanted.append((order, step))
    return tuple(step for _, step in sorted(wanted, key=lambda pair: pair[0]))


def _number(written: str) -> str:
    if not written:
        raise missing("to")
    number = recipient_digits(written)
    if number is None:
        raise invalid("to", "The to must be a number with country code.")
    return number


def _whole(fields: Mapping[str, object], name: str, allowed: range, default: int) -> int:
    written = text_of(fields, name)
    if not written:
        return default
    if not (written.isascii() and written.isdigit() and len(written) < 8 and int(written) in allowed):
        raise invalid(name, f"The {name} must be between {allowed.start} and {allowed.stop - 1}.")
    return int(written)


async def _begin(
    asked: Asked, steps: tuple[VerifyStep, ...], payload: Mapping[str, object], *, reference_name: str
) -> WebAnswer:
    template = _template(text_of(payload, "template"))
    token = text_of(payload, "token")
    if token and not (token.isascii() and token.isalnum() and len(token) in CODE_LENGTHS):
        raise invalid("token", "The token must be 4 to 10 letters or digits.")
    wanted = VerifyRequest(
        id=str(uuid.uuid4()),
        number=steps[0].recipient,
        dialect=spec.NAME,
        sender=steps[0].sender,
        template=template.replace("{token}", "{code}"),
        code=token,
        code_length=_whole(payload, "length", CODE_LENGTHS, DEFAULT_LENGTH),
        validity_seconds=_whole(payload, "timeout", TIMEOUT_SECONDS, DEFAULT_TIMEOUT),
        max_attempts=MAX_ATTEMPTS,
        max_sends=len(steps),
        allow_concurrent=True,
        skip_unavailable=len(steps) > 1,
        steps=steps,
        reference=text_of(payload, "foreign_id"),
        remote=text_of(payload, "ip_address"),
    )
    try:
        begun = await asked.services.verifier.begin(asked.account, wanted)
    except VerifyError as error:
        raise _refused(error) from None
    return answers.plain(
        {
            "id": begun.id,
            "status": "sent",
            "to": begun.number,
            reference_name: begun.reference or None,
            "created_at": _time(asked, begun.created_at),
            "expire_at": _time(asked, begun.expires_at),
        }
    )


def _template(written: str) -> str:
    if written and "{token}" not in written:
        raise invalid("template", "The template must have {token}.")
    return written


def _refused(error: VerifyError) -> Refused:
    status = HTTP_OF_PROBLEM.get(error.problem)
    if status is None:
        field = {VerifyProblem.BAD_NUMBER: "to", VerifyProblem.BAD_SENDER: "from"}.get(error.problem, "payload")
        return invalid(field, str(error))
    return Refused(status, str(error))


def _time(asked: Asked, seconds: float) -> str:
    return answers.local_time(seconds, asked.options.time_zone)


async def check(asked: Asked) -> WebAnswer:
    """verify/check/{id}/{token}."""
    verification_id, code = asked.path["id"], asked.path["token"]
    status = CHECK_STATUS[VerifyProblem.NOT_FOUND]
    if is_message_id(verification_id):
        try:
            await asked.services.verifier.check(asked.account, verification_id, code)
            status = "success"
        except VerifyError as error:
            status = CHECK_STATUS.get(error.problem, "failed")
            if error.problem is VerifyProblem.ENDED and error.status is VerifyStatus.VERIFIED:
                status = "OTP already verified"
    return answers.plain({"id": verification_id, "status": status})


async def search(asked: Asked) -> WebAnswer:
    """verify/search/{id}."""
    found = await _found(asked)
    channels = [
        {
            "id": at,
            "to": sent.recipient,
            "from": sent.sender,
            "channel": sent.channel,
            "event_id": sent.message_id,
            "created_at": _time(asked, sent.sent_at),
            "status": sent.status,
        }
        for at, sent in enumerate(found.history, start=1)
    ]
    return answers.plain(
        {
            "id": found.id,
            "to": found.number,
            "reference": found.reference or None,
            "status": STATUS_OF[found.status],
            "created_at": _time(asked, found.created_at),
            "expire_at": _time(asked, found.expires_at),
            "channels": channels,
        }
    )


async def cancel(asked: Asked) -> WebAnswer:
    """verify/cancel/{id}."""
    found = await _found(asked)
    try:
        await asked.services.verifier.cancel(asked.account, found.id)
    except VerifyError as error:
        raise _refused(error) from None
    return answers.plain({"id": found.id, "status": "success"})


async def _found(asked: Asked) -> Verification:
    found = None
    if is_message_id(asked.path["id"]):
        try:
            found = await asked.services.verifier.find(asked.account, asked.path["id"])
        except NotOffered:
            found = None
    if found is None:
        raise Refused(404, "The resources cannot be found.")
    return found


# Profiles. Their paths are lost in the document, so they are ours.


def _channels_of(entry: Entry) -> list[Mapping[str, object]]:
    channels = entry.fields.get("channels")
    return [one for one in channels if isinstance(one, Mapping)] if isinstance(channels, (list, tuple)) else []


async def list_profiles(asked: Asked) -> WebAnswer:
    """All, or those of a name, id or status."""
    name, wanted, status = asked.filter("name"), asked.filter("id"), asked.filter("status")

    def is_wanted(entry: Entry) -> bool:
        shown = str(entry.fields.get("status"))
        return name in ("", entry.name) and wanted in ("", entry.id) and status in ("", shown)

    page = asked.page()
    entries, total = await asked.services.directory.list(
        asked.account, PROFILE, page=page, per_page=answers.PER_PAGE, where=is_wanted
    )
    return answers.page(
        [_profile(entry) for entry in entries],
        total,
        number=page,
        path=asked.list_path,
        query=asked.list_query,
        message="Profiles List",
    )


async def create_profile(asked: Asked) -> WebAnswer:
    """A name for an order of channels."""
    fields, name = {"status": _status(asked), "channels": []}, _profile_name(asked)
    try:
        entry = await asked.services.directory.add(asked.account, PROFILE, name, fields, unique=True)
    except NameTaken:
        raise invalid("name", "The name has already been taken.") from None
    return answers.done(_profile(entry), "Profile Created Successfully")


def _profile_name(asked: Asked) -> str:
    name = asked.required("name")
    if not name.isalnum() or len(name) > MAX_PROFILE_NAME:
        raise invalid("name", f"The name must be at most {MAX_PROFILE_NAME} letters and digits.")
    return name


def _status(asked: Asked) -> str:
    status = asked.text("status") or "1"
    if status not in ("0", "1"):
        raise invalid("status", "The selected status is invalid.")
    return status


async def show_profile(asked: Asked) -> WebAnswer:
    """One, in a list."""
    return answers.done([_profile(await _one(asked))], "Profile List")


async def _one(asked: Asked) -> Entry:
    entry = await asked.services.directory.get(asked.account, PROFILE, asked.path["id"])
    if entry is None:
        raise Refused(404, "The resources cannot be found.")
    return entry


async def _change(asked: Asked, fields: Mapping[str, object], message: str) -> WebAnswer:
    changed = await asked.services.directory.change(asked.account, PROFILE, asked.path["id"], fields)
    if changed is None:
        raise Refused(404, "The resources cannot be found.")
    return answers.done(_profile(changed), message)


async def change_profile(asked: Asked) -> WebAnswer:
    """Its status; its name is what it is sent by, and stays."""
    entry = await _one(asked)
    if _profile_name(asked) != entry.name:
        raise invalid("name", "The name cannot be changed.")
    return await _change(asked, {"status": _status(asked)}, "Profile Updated Successfully")


async def remove_profile(asked: Asked) -> WebAnswer:
    """Forget one."""
    if not await asked.services.directory.remove(asked.account, PROFILE, asked.path["id"]):
        raise Refused(404, "The resources cannot be found.")
    return answers.done({}, "Profile Deleted Successfully")


async def add_channels(asked: Asked) -> WebAnswer:
    """Channels to a profile; one of a name that is there takes its place."""
    entry = await _one(asked)
    given = asked.fields.get("channels")
    wanted = given if isinstance(given, list) else [dict(asked.fields)]
    channels = {str(one.get("name")): one for one in _channels_of(entry)}
    for one in wanted:
        if not isinstance(one, Mapping) or text_of(one, "name") not in CHANNELS:
            raise invalid("channels", "The selected channel is invalid.")
        channels[text_of(one, "name")] = _channel(one)
    return await _change(asked, {"channels": list(channels.values())}, "Channel Added Successfully")


async def change_channels(asked: Asked) -> WebAnswer:
    """What a profile says of some of its channels."""
    entry = await _one(asked)
    given = asked.fields.get("channels")
    if not isinstance(given, list) or not given:
        raise missing("channels")
    channels = {str(one.get("name")): one for one in _channels_of(entry)}
    for one in given:
        if not isinstance(one, Mapping) or text_of(one, "name") not in channels:
            raise invalid("channels", "The selected channel is invalid.")
        channels[text_of(one, "name")] = _channel(one)
    return await _change(asked, {"channels": list(channels.values())}, "Channel Updated Successfully")


async def change_channel(asked: Asked) -> WebAnswer:
    """What a profile says of one channel."""
    entry = await _one(asked)
    name = asked.path["name"]
    if name not in {one.get("name") for one in _channels_of(entry)}:
        raise Refused(404, "The resources cannot be found.")
    changed = _channel({**asked.fields, "name": name})
    channels = [changed if one.get("name") == name else one for one in _channels_of(entry)]
    return await _change(asked, {"channels": channels}, "Channel Updated Successfully")


async def remove_channel(asked: Asked) -> WebAnswer:
    """One channel less."""
    entry = await _one(asked)
    left = [one for one in _channels_of(entry) if one.get("name") != asked.path["name"]]
    if len(left) == len(_channels_of(entry)):
        raise Refused(404, "The resources cannot be found.")
    return await _change(asked, {"channels": left}, "Channel Deleted Successfully")


def _channel(fields: Mapping[str, object]) -> dict[str, object]:
    known = ("name", "from", "template", "order", "wait", "flow_id", "language", "ttl")
    kept = {name: fields[name] for name in known if name in fields}
    _whole(kept, "wait", WAIT_SECONDS, DEFAULT_WAIT)
    _whole(kept, "order", range(1_000), 0)
    _template(text_of(kept, "template"))
    return kept


def _profile(entry: Entry) -> Mapping[str, object]:
    return {
        "id": int(entry.id) if entry.id.isdecimal() else entry.id,
        "name": entry.name,
        "status": entry.fields.get("status"),
        "channels": _channels_of(entry),
        "created_at": answers.iso_time(entry.created_at),
        "updated_at": answers.iso_time(entry.updated_at),
    }
