"""The public face: a user's program passes mypy --strict, and every public name says what it is."""

import enum
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import smpp
import smpp.errors
from smpp.wire.tlv import STANDARD

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_PROTOCOL_ENUMS = (
    smpp.CommandId,
    smpp.DataCoding,
    smpp.EsmClass,
    smpp.InterfaceVersion,
    smpp.MessageState,
    smpp.Npi,
    smpp.RegisteredDelivery,
    smpp.Ton,
)
_FACTORIES = (smpp.connect, smpp.serve, smpp.Pool, smpp.Recorder, smpp.ReceiptDesk, smpp.client_tls, smpp.server_tls)


def public() -> dict[str, Any]:
    """Everything that `smpp` exports."""
    return {name: getattr(smpp, name) for name in smpp.__all__}


def documented() -> dict[str, Any]:
    """What of it can have a docstring: aliases of types and constants cannot."""
    return {
        name: value
        for name, value in public().items()
        if isinstance(value, type | ModuleType) or inspect.isfunction(value)
    }


def own_members(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that a class of ours defines itself."""
    for base in kind.__mro__:
        if not base.__module__.startswith("smpp"):
            continue
        for name, member in vars(base).items():
            member = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                yield f"{base.__name__}.{name}", member


def test_a_users_program_passes_mypy_strict(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text((_HERE / "typing" / "user_program.py").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", str(program)],
        cwd=tmp_path,
        env={"MYPYPATH": str(_ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.startswith("Success"), done.stdout + done.stderr


def test_the_package_says_that_it_is_typed() -> None:
    assert (_ROOT / "smpp" / "py.typed").is_file()


def test_every_exported_name_is_there_and_once() -> None:
    assert len(set(smpp.__all__)) == len(smpp.__all__)
    for name in smpp.__all__:
        assert hasattr(smpp, name), name


def test_everything_exported_has_a_docstring_that_is_a_sentence() -> None:
    for name, value in documented().items():
        text = inspect.getdoc(value) or ""
        first = text.split("\n\n")[0]
        assert value.__doc__ and value.__doc__ != getattr(type(value), "__doc__", ""), f"{name} has no docstring"
        assert first.rstrip().endswith((".", ":", "`", "?")) or isinstance(value, ModuleType), f"{name}: {first}"


@pytest.mark.parametrize("kind", [value for value in public().values() if inspect.isclass(value)])
def test_every_public_method_has_a_docstring(kind: type) -> None:
    missing = [name for name, member in own_members(kind) if not member.__doc__]
    assert missing == []


def test_every_pdu_cites_its_section() -> None:
    pdus = [kind for kind in public().values() if inspect.isclass(kind) and issubclass(kind, smpp.Message)]
    concrete = [kind for kind in pdus if kind not in (smpp.Message, smpp.Request, smpp.Response, smpp.Bind)]
    assert len(concrete) == 33
    for kind in concrete:
        assert re.search(r"§\s?4\.\d", kind.__doc__ or ""), f"{kind.__name__}: {kind.__doc__}"


@pytest.mark.parametrize("kind", _PROTOCOL_ENUMS)
def test_every_table_of_the_protocol_cites_its_section(kind: type[enum.Enum]) -> None:
    assert re.search(r"§\s?\d", kind.__doc__ or ""), kind.__doc__


def test_every_tlv_cites_its_section() -> None:
    assert len(STANDARD.types) >= 44
    for tlv_type in STANDARD.types.values():
        assert re.match(r"(v5\.0 )?\d+(\.\d+)+$", tlv_type.section), tlv_type


@pytest.mark.parametrize("factory", _FACTORIES, ids=lambda factory: factory.__name__)
def test_every_argument_is_explained(factory: Callable[..., object]) -> None:
    text = inspect.getdoc(factory) or ""
    for name in inspect.signature(factory).parameters:
        assert re.search(rf"\b{name}\b", text), f"{factory.__name__}: {name}"


@pytest.mark.parametrize("kind", [smpp.ClientConfig, smpp.ServerConfig, smpp.SessionConfig, smpp.PoolConfig])
def test_every_setting_has_a_default(kind: type) -> None:
    kind()


def test_the_tree_of_errors_shows_every_error() -> None:
    tree = smpp.errors.__doc__ or ""
    for name, value in vars(smpp.errors).items():
        if inspect.isclass(value) and issubclass(value, Exception):
            assert re.search(rf"\b{name}\b", tree), name
            assert issubclass(value, smpp.SmppError)
