"""How long what the gateway keeps is kept."""

from typing import Annotated

import msgspec

from gateway.settings import setting


class RetentionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are kept; 0 means for ever."""

    message_days: Annotated[
        float, setting("Messages that have ended, with their parts and timelines.", unit="days", ge=0, le=36_500)
    ] = 90.0
    body_days: Annotated[
        float,
        setting("Their texts and octets, and those of messages from handsets; erased.", unit="days", ge=0, le=36_500),
    ] = 30.0
    timeline_days: Annotated[
        float, setting("Their timelines; 0: as long as the messages.", unit="days", ge=0, le=36_500)
    ] = 0.0
    inbound_days: Annotated[float, setting("Messages from handsets.", unit="days", ge=0, le=36_500)] = 90.0
    orphan_days: Annotated[float, setting("Receipts that belong to no message.", unit="days", ge=0, le=36_500)] = 30.0
    callback_days: Annotated[
        float, setting("Callbacks that were given up; until then they can be replayed.", unit="days", ge=0, le=36_500)
    ] = 30.0
    export_folder: Annotated[
        str,
        setting(
            "Messages are added to files in this folder before they are dropped, one JSON object a line, without the"
            " bodies that were erased earlier; empty: nowhere."
        ),
    ] = ""
    every_seconds: Annotated[
        float, setting("How often it is looked for what is old enough.", unit="seconds", ge=1, le=86_400)
    ] = 3_600.0
    pause_seconds: Annotated[
        float,
        setting("The pause after each batch, so that others get at the disk.", unit="seconds", ge=0, le=60),
    ] = 0.05
