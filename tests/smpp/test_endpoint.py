"""Connection URLs, addresses, TLS contexts."""

import ssl
from pathlib import Path

import pytest
import trustme

from smpp.constants import BindMode
from smpp.endpoint import Address, Endpoint, client_tls, server_tls
from smpp.errors import InvalidUrl


def test_whole_url_is_read() -> None:
    endpoint = Endpoint.parse("smpps://demo:se%40cret@smpp1.example.net:3635?bind=rx&window=10&system_type=VMS")
    assert endpoint == Endpoint(
        "smpp1.example.net",
        3635,
        tls=True,
        system_id="demo",
        password="se@cret",
        bind_mode=BindMode.RECEIVER,
        options=(("window", "10"), ("system_type", "VMS")),
    )


@pytest.mark.parametrize(
    ("url", "port", "name"),
    [
        ("smpp://host", 2775, "host:2775"),
        ("smpps://host", 3550, "host:3550"),
        ("smpp://host:0", 0, "host:0"),
        ("smpp://[::1]:99", 99, "[::1]:99"),
        ("smpp://host/", 2775, "host:2775"),
    ],
)
def test_what_a_url_leaves_out_has_defaults(url: str, port: int, name: str) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.port, endpoint.name) == (port, name)
    assert (endpoint.system_id, endpoint.password, endpoint.bind_mode) == ("", "", BindMode.TRANSCEIVER)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:2775",
        "http://host",
        "smpp://",
        "smpp://host:port",
        "smpp://host:99999",
        "smpp://host/path",
        "smpp://host#x",
        "smpp://[::1",
        "smpp://host?bind=both",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        Endpoint.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "smpp://demo:hush/hush@host",
        "smpp://demo:hush#hush@host",
        "smpp://demo:hush?hush@host",
        "smpp://demo:hu[sh@host",
        "smpp://demo:hush@host:hush",
        "http://demo:hush@host",
        "smpp://demo:hush@host/hush",
        "smpp://demo:hush@host?bind=x",
    ],
)
def test_no_error_shows_a_part_of_the_password(url: str) -> None:
    with pytest.raises(InvalidUrl) as error:
        Endpoint.parse(url)
    assert "hush" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_repr_hides_the_password() -> None:
    assert "secret" not in repr(Endpoint.parse("smpp://demo:secret@host"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("INFO", Address(5, 0, "INFO")),
        ("+447700900123", Address(1, 1, "447700900123")),
        ("447700900123", Address(1, 1, "447700900123")),
        ("4711", Address(3, 0, "4711")),
        ("+4711", Address(1, 1, "4711")),
        ("", Address(0, 0, "")),
        ("٤٧١١", Address(5, 0, "٤٧١١")),
    ],
)
def test_addresses_are_guessed(text: str, address: Address) -> None:
    assert Address.guess(text) == address


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "cert.pem"))
    return {name: str(folder / f"{name}.pem") for name in ("ca", "cert")}


def test_client_verifies_certificate_and_name(files: dict[str, str]) -> None:
    for context in (client_tls(), client_tls(files["ca"]), client_tls(files["ca"], files["cert"])):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_server_asks_for_a_client_certificate_only_where_told(files: dict[str, str]) -> None:
    assert server_tls(files["cert"]).verify_mode is ssl.CERT_NONE
    strict = server_tls(files["cert"], client_ca_file=files["ca"])
    assert strict.verify_mode is ssl.CERT_REQUIRED
    assert strict.minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_are_missing_or_no_certificates_are_errors(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        client_tls(str(tmp_path / "missing.pem"))
    with pytest.raises(ssl.SSLError):
        server_tls(files["ca"])
