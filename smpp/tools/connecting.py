"""What the tools that connect to an SMSC share: passwords, certificates, exit codes, Ctrl-C."""

import asyncio
import gc
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlsplit

import click

from smpp.endpoint import Endpoint, client_tls
from smpp.errors import (
    BindFailed,
    CommandFailed,
    ConnectionLost,
    EncodeError,
    InvalidUrl,
    RequestLost,
    SmppError,
    StateError,
)

PASSWORD_VARIABLE: Final = "SMPP_PASSWORD"  # noqa: S105 - the name of a variable
BAD_INPUT: Final = 2
REFUSED: Final = 1

Command = TypeVar("Command", bound=Callable[..., Any])


def connection_options(command: Command) -> Command:
    """The options of every tool that connects."""
    for option in (
        click.option(
            "--password-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=f"Read the password from this file. Else it is the URL's, or ${PASSWORD_VARIABLE}, or asked for.",
        ),
        click.option(
            "--ca-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Trust the authorities in this PEM file instead of the system's (smpps).",
        ),
        click.option(
            "--server-name", default="", help="Name that the server's certificate must bear, if not the URL's host."
        ),
    ):
        command = option(command)
    return command


def parse_url(url: str) -> Endpoint:
    """The endpoint of a URL that is to be bound to.

    Raises:
        InvalidUrl: it is none, or names nobody to bind as.
    """
    endpoint = Endpoint.parse(url)
    if not endpoint.system_id:
        raise InvalidUrl("the URL names no system_id; expected smpp[s]://system_id[:password]@host:port")
    return endpoint


def find_password(url: str, password_file: Path | None) -> str | None:
    """The password from wherever it is given; None: the URL's own.

    Raises:
        click.UsageError: the file cannot be read.
    """
    if password_file is not None:
        try:
            return password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"--password-file: {type(error).__name__} while reading it") from None
    if urlsplit(url).password is not None:
        return None
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, default="", show_default=False, err=True))
    return ""


def tls_of(endpoint: Endpoint, ca_file: Path | None) -> ssl.SSLContext | None:
    """What verifies the server; None for a plain connection.

    Raises:
        click.UsageError: the file holds no certificates.
    """
    if not endpoint.tls:
        return None
    try:
        return client_tls(str(ca_file) if ca_file is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise click.UsageError(f"--ca-file {ca_file}: no PEM certificates ({error})") from None


def run(tool: str, work: Coroutine[Any, Any, int], *, with_uvloop: bool = False) -> NoReturn:
    """Run a tool and exit: 0 done, 1 refused or not connected, 2 bad input.

    Args:
        tool: its name.
        work: what it does.
        with_uvloop: whether it runs on uvloop, which has to be there.
    """
    if threading.current_thread() is threading.main_thread():
        # What was imported stays: the collector needs not look through it each time, ten milliseconds long.
        gc.freeze()
    try:
        with asyncio.Runner(loop_factory=_uvloop() if with_uvloop else None) as runner:
            code = runner.run(work)
    except KeyboardInterrupt:
        code = 130
    except (InvalidUrl, EncodeError) as error:
        fail(tool, str(error), BAD_INPUT)
    except (BindFailed, CommandFailed, ConnectionLost, RequestLost, StateError) as error:
        fail(tool, str(error), REFUSED)
    except SmppError as error:
        fail(tool, str(error), BAD_INPUT)
    sys.exit(code)


def has_uvloop() -> bool:
    """Whether uvloop is there."""
    return find_spec("uvloop") is not None


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def fail(tool: str, text: str, code: int) -> NoReturn:
    """Say in one line what is wrong, and exit."""
    click.echo(f"smpp {tool}: {' '.join(text.split())}", err=True)
    sys.exit(code)


def stop_on_signal() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set, so that a tool can end in order; in the main thread, which gets signals."""
    asked = asyncio.Event()
    if threading.current_thread() is not threading.main_thread():
        return asked
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    return asked
