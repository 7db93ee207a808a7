"""How the gateway logs: one line an event, for a person or as JSON; never local variables, which hold texts."""

import asyncio
import atexit
import json
import logging
import sys
import threading
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog

LogFormat = Literal["auto", "text", "json"]


def configure_logging(level: str = "info", log_format: LogFormat = "auto") -> None:
    """Set up structlog for the whole process; lines go to standard error.

    Args:
        level: debug, info, warning or error. At debug every PDU has its line.
        log_format: text for a person, json for a collector; auto looks whether standard error is a terminal.
    """
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    exceptions = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    lines = Lines(sys.stderr)
    atexit.register(lines.flush)
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=number, handlers=[_Forward()], force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(exceptions) if as_json else _keep,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )


class Lines:
    """Writes lines to a stream: warnings and errors at once, others with all of the same turn of the event loop.

    Each write gives up the interpreter's lock; one a request would cost more than everything else about its line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._kept: list[str] = []
        self._flushed_by: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def flush(self) -> None:
        """Write what was kept."""
        with self._lock:
            lines, self._kept = self._kept, []
            self._flushed_by = None
            if lines:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()

    def info(self, line: str) -> None:
        """A line that may wait for the end of the turn."""
        with self._lock:
            self._kept.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._flushed_by is not loop:
            self._flushed_by = loop
            loop.call_soon(self.flush)

    def error(self, line: str) -> None:
        """A line that must not wait, whatever happens next."""
        with self._lock:
            self._kept.append(line)
        self.flush()

    msg = debug = info
    warning = warn = exception = critical = fatal = failure = log = error


_encode: Final = msgspec.json.Encoder(enc_hook=repr).encode


def _to_json(event: Any, **settings: Any) -> str:
    """As `json.dumps` would, in a fifth of the time; what only that can write it does."""
    try:
        return _encode(event).decode()
    except (UnicodeEncodeError, TypeError, ValueError, msgspec.MsgspecError):
        return json.dumps(event, **settings)


class _Forward(logging.Handler):
    """Lines of the library, which speaks to the standard library, in the form of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record as an event with its fields."""
        fields = dict(getattr(record, "fields", {}))
        event = getattr(record, "event", None) or record.getMessage()
        structlog.get_logger().log(record.levelno, event, exc_info=record.exc_info, **fields)


def _keep(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event
