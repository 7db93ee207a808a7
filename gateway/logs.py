"""How the gateway logs: one line an event, for a person or as JSON; never local variables, which hold texts."""

import logging
import sys
from typing import Literal

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
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class _Forward(logging.Handler):
    """Lines of the library, which speaks to the standard library, in the form of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record as an event with its fields."""
        fields = dict(getattr(record, "fields", {}))
        event = getattr(record, "event", None) or record.getMessage()
        structlog.get_logger().log(record.levelno, event, exc_info=record.exc_info, **fields)


def _keep(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event
