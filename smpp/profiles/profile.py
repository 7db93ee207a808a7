"""What one operator's SMSC is like, as data: limits, timers, commands, TLVs, codes; and the settings that follow.

    pool = smpp.Pool(MOBTEXTING.urls(tls=True), config=MOBTEXTING.pool_config(), desk=MOBTEXTING.receipt_desk(), ...)
    MOBTEXTING.check(message)                    # EncodeError before it costs a refusal
    MOBTEXTING.describe_error("452")             # "452 TEMPLATE-NOT-FOUND: no template matches the text"

A profile holds nothing of an account: credentials and agreed limits come from whoever uses it, and
`dataclasses.replace` makes another profile of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from smpp.client import ClientConfig
from smpp.constants import CommandId, EsmClass, InterfaceVersion, MessageState
from smpp.correlator import Correlator, IdRule
from smpp.errors import EncodeError
from smpp.pool import PoolConfig, ThrottleScope
from smpp.receipts import ReceiptDesk, payload_of
from smpp.retry import RetryClass, RetryPolicy
from smpp.session import SessionConfig
from smpp.sms import Alphabet, SplitMethod, SplitOptions, scheme_of
from smpp.status import CommandStatus, describe_status, status_name
from smpp.wire.pdu import DataSm, SubmitMulti, SubmitSm
from smpp.wire.tlv import STANDARD, TlvProfile, Tlvs, TlvType

Submittable = SubmitSm | SubmitMulti | DataSm

SUBMIT_COMMANDS: Final = frozenset({CommandId.SUBMIT_SM, CommandId.SUBMIT_MULTI, CommandId.DATA_SM})
"""The commands that carry a message to an SMSC."""

_DIGITS: Final = frozenset("0123456789")
_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")

_SPECIFIED: Final = {int(status): status for status in CommandStatus}


@dataclass(frozen=True, slots=True)
class ReceiptError:
    """What a code in the `err` of a receipt means.

    Attributes:
        word: what stands in `stat`; longer than the seven letters of Appendix B at some providers.
        meaning: for a person.
        state: the message_state it amounts to.
        retry: whether the same message is worth another try; None where the provider leaves that open.
    """

    word: str
    meaning: str
    state: MessageState
    retry: RetryClass | None = None


@dataclass(frozen=True, slots=True)
class TlvRule:
    """What a provider asks of a vendor TLV. Its value is ASCII, with or without a NUL at the end.

    Attributes:
        tlv_type: how it is written.
        required_for: beginnings of international numbers whose messages need it; ("",) is all of them.
        max_digits: most characters.
        hash_digits: so many hexadecimal digits are good as well, in the place of a number; 0: no.
    """

    tlv_type: TlvType[str]
    required_for: tuple[str, ...] = ()
    max_digits: int = 30
    hash_digits: int = 0

    def fault(self, octets: bytes) -> str:
        """What is wrong with a value; "" where nothing is."""
        text = octets.removesuffix(b"\0").decode("latin-1")
        if not text:
            return "is empty"
        if self.hash_digits and len(text) == self.hash_digits and _HEX_DIGITS.issuperset(text):
            return ""
        if not _DIGITS.issuperset(text):
            hashes = f" or {self.hash_digits} hexadecimal digits" if self.hash_digits else ""
            return f"is {text[: self.max_digits]!r}, expected ASCII digits{hashes}"
        if len(text) > self.max_digits:
            return f"has {len(text)} digits, at most {self.max_digits} are taken"
        return ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a provider would not take a message.

    Attributes:
        command_status: what it would answer.
        field: which field is wrong, "" for the command itself.
        reason: for a person.
    """

    command_status: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One operator's SMSC. Everything has the value of a plain SMPP v3.4 SMSC unless it is said."""

    name: str
    """As a config names it."""

    servers: tuple[tuple[str, ...], ...] = ()
    """URLs of each server of the group without credentials: its plain listener, then the one with TLS."""

    binds_per_server: int = 0
    """Most binds of an account on one server; 0: no limit is known. What an account agreed on may differ."""

    parts_per_second_per_server: float = 0.0
    """Most submits a second of an account on one server; 0: no limit is known. Likewise."""

    enquire_link_seconds: float = 30.0
    """How often the provider wants to be asked."""

    idle_seconds: float = 0.0
    """After so long without a PDU the provider ends the session; 0: never."""

    system_type: str = ""
    interface_version: int = InterfaceVersion.V3_4

    commands: frozenset[CommandId] = SUBMIT_COMMANDS
    """Which of `SUBMIT_COMMANDS` it takes."""

    refused_command_status: int = CommandStatus.ESME_RINVCMDID
    """How it answers the others."""

    max_message_octets: int = 0
    """Most octets of one message on the air interface, its user data header included; 0: no limit is checked."""

    tlv_profile: TlvProfile = STANDARD
    """Names of its TLVs."""

    tlv_rules: tuple[TlvRule, ...] = ()

    status_names: Mapping[int, str] = field(default_factory=dict)
    """Its own names of command_status."""

    status_texts: Mapping[int, str] = field(default_factory=dict)
    """What statuses mean that the specification does not describe."""

    receipt_errors: Mapping[str, ReceiptError] = field(default_factory=dict)

    retry_classes: Mapping[int, RetryClass] = field(default_factory=dict)
    """Where its statuses ask for something else than `smpp.retry` says."""

    default_alphabet: str = "gsm"
    """What data_coding 0 means."""

    gsm_data_codings: frozenset[int] = frozenset()
    """Values of data_coding whose texts are GSM 03.38 here, beside those that the specification calls so."""

    split_method: SplitMethod = SplitMethod.UDH8
    allow_latin1: bool = False
    """Whether data_coding 3 may be used without asking."""

    message_id_rule: IdRule = IdRule.AS_IS
    throttle_scope: ThrottleScope = ThrottleScope.SERVER

    # Settings that follow from it

    def urls(self, *, tls: bool = True) -> tuple[str, ...]:
        """One URL for each server, for `smpp.Pool`.

        Raises:
            ValueError: the profile names no servers, or none with such a listener.
        """
        scheme = "smpps://" if tls else "smpp://"
        urls = tuple(url for server in self.servers for url in server if url.startswith(scheme))
        if len(urls) < max(1, len(self.servers)):
            raise ValueError(f"profile {self.name} names no {scheme} listener for each of its servers")
        return urls

    def session_config(self, *, window: int | None = None) -> SessionConfig:
        """Timers and version of a session with it."""
        config = SessionConfig(
            enquire_link_seconds=self.enquire_link_seconds, interface_version=int(self.interface_version)
        )
        return config if window is None else replace(config, window=window)

    def client_config(self, *, window: int | None = None) -> ClientConfig:
        """Settings of one connection to it.

        Args:
            window: most requests without an answer; default: the session's.
        """
        return ClientConfig(
            session=self.session_config(window=window),
            system_type=self.system_type,
            default_alphabet=self.default_alphabet,
        )

    def pool_config(
        self,
        *,
        window: int | None = None,
        binds_per_server: int | None = None,
        parts_per_second_per_server: float | None = None,
    ) -> PoolConfig:
        """Settings of a pool of binds to it.

        Args:
            window: as `client_config`.
            binds_per_server: what the account agreed on, where it is not the profile's.
            parts_per_second_per_server: likewise.
        """
        return PoolConfig(
            client=self.client_config(window=window),
            binds_per_server=(self.binds_per_server or 1) if binds_per_server is None else binds_per_server,
            parts_per_second_per_server=(
                self.parts_per_second_per_server if parts_per_second_per_server is None else parts_per_second_per_server
            ),
            throttle_scope=self.throttle_scope,
            retry=self.retry_policy(),
        )

    def receipt_desk(self) -> ReceiptDesk:
        """A desk that compares ids as this provider writes them; one for all connections of an account."""
        return ReceiptDesk(
            Correlator(group=self.name, id_rule=self.message_id_rule), default_alphabet=self.default_alphabet
        )

    def retry_policy(self) -> RetryPolicy:
        """What its statuses ask of the sender."""
        return RetryPolicy(self.retry_classes)

    def split_options(self) -> SplitOptions:
        """How it wants texts coded and split: arguments of `smpp.sms.split` and of ``send``."""
        return {
            "default_alphabet": self.default_alphabet,
            "allow_latin1": self.allow_latin1,
            "method": self.split_method,
        }

    # Its words

    def status_name(self, status: int) -> str:
        """Its name of a status, else the specification's, else the number in hex."""
        return self.status_names.get(status) or status_name(status)

    def status_number(self, name: str) -> int:
        """The status of this name, the provider's or the specification's.

        Raises:
            ValueError: neither has one.
        """
        wanted = name.strip().upper()
        for number, known in self.status_names.items():
            if known == wanted:
                return number
        if wanted in CommandStatus.__members__:
            return int(CommandStatus[wanted])
        raise ValueError(f"{name!r} is no command_status of {self.name}")

    def describe_status(self, status: int) -> str:
        """One line for a person: number, the provider's name and meaning."""
        text = self.status_texts.get(status)
        known = _SPECIFIED.get(status)
        if text is None and known is not None:
            text = known.description
        if text is None:
            return describe_status(status)
        return f"0x{status:08X} {self.status_name(status)} ({text})"

    def receipt_error(self, code: str) -> ReceiptError | None:
        """What the `err` of a receipt means; None where the provider does not list it."""
        return self.receipt_errors.get(code) or self.receipt_errors.get(code.strip().zfill(3))

    def describe_error(self, code: str) -> str:
        """One line for a person: the code of a receipt, its word and meaning."""
        error = self.receipt_error(code)
        return f"{code} (not in the list of {self.name})" if error is None else f"{code} {error.word}: {error.meaning}"

    # Its rules

    def tlvs_of(self, values: Mapping[str, str]) -> Tlvs:
        """The block of its own TLVs, written as it wants them: ``{"PE_ID": "1101...", "Template_ID": "1107..."}``.

        Raises:
            EncodeError: a TLV it does not have, or a value it does not take.
        """
        rules = {rule.tlv_type.name.upper(): rule for rule in self.tlv_rules}
        items = []
        for name, value in values.items():
            rule = rules.get(name.upper())
            if rule is None:
                names = ", ".join(rule.tlv_type.name for rule in self.tlv_rules) or "none"
                raise EncodeError(f"{self.name} has no TLV {name!r}: it has {names}")
            tag, octets = rule.tlv_type(value)
            fault = rule.fault(octets)
            if fault:
                raise EncodeError(f"{self.name}: TLV {rule.tlv_type.name} {fault}")
            items.append((tag, octets))
        return Tlvs(items)

    def refusal(self, message: Submittable) -> Refusal | None:
        """Why the provider would refuse a message by its own rules; None where it would not."""
        if message.command_id not in self.commands:
            taken = ", ".join(sorted(command.name.lower() for command in self.commands))
            return Refusal(self.refused_command_status, "", f"is not taken; {taken} are")
        return self._refused_tlv(message) or self._refused_length(message)

    def check(self, message: Submittable) -> None:
        """Refuse what the provider would refuse, before it is sent.

        Raises:
            EncodeError: names the PDU, the field, the limit and the value.
        """
        refusal = self.refusal(message)
        if refusal is not None:
            where = f".{refusal.field}" if refusal.field else ""
            raise EncodeError(f"{message.command_name}{where} {refusal.reason} ({self.name})")

    def _refused_tlv(self, message: Submittable) -> Refusal | None:
        for rule in self.tlv_rules:
            name = rule.tlv_type.name
            octets = message.tlvs.raw(rule.tlv_type.tag)
            if octets is None:
                if rule.required_for and _destination(message).startswith(rule.required_for):
                    where = f"TLV 0x{rule.tlv_type.tag:04X} is missing"
                    return Refusal(CommandStatus.ESME_RMISSINGOPTPARAM, name, where)
                continue
            fault = rule.fault(octets)
            if fault:
                return Refusal(CommandStatus.ESME_RINVOPTPARAMVAL, name, fault)
        return None

    def _refused_length(self, message: Submittable) -> Refusal | None:
        if not self.max_message_octets or isinstance(message, SubmitMulti):
            return None
        octets = payload_of(message)
        header = octets[0] + 1 if message.esm_class & EsmClass.UDHI and octets else 0
        used, unit = len(octets), "octets"
        most = self.max_message_octets
        if self._is_gsm(message.data_coding):
            # Seven bits a character on the air, a whole octet each in the PDU.
            used, unit = used - header, "characters"
            most = (most - header) * 8 // 7
        if used <= most:
            return None
        name = "message_payload" if isinstance(message, DataSm) or not message.short_message else "short_message"
        return Refusal(CommandStatus.ESME_RINVMSGLEN, name, f"has {used} {unit}, at most {most} fit into one message")

    def _is_gsm(self, data_coding: int) -> bool:
        if data_coding in self.gsm_data_codings:
            return True
        return scheme_of(data_coding, self.default_alphabet).alphabet is Alphabet.GSM


def _destination(message: Submittable) -> str:
    if isinstance(message, SubmitMulti):
        return ""
    return message.destination_addr.removeprefix("+")


STANDARD_PROFILE: Final = Profile(name="standard")
"""An SMSC as the specification describes it, with no limits of its own."""
