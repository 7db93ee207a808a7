"""User data headers: information elements in front of a message's octets. 3GPP TS 23.040 §9.2.3.24.

    UDHL | IEI IEDL data | IEI IEDL data | ...      UDHL counts what follows it

What a peer sends is read leniently: a header that does not hold together is no header, and the octets stay as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from smpp.errors import DecodeError, EncodeError
from smpp.sms.national import Shift
from smpp.status import CommandStatus

MAX_HEADER_OCTETS: Final = 140
MAX_PARTS: Final = 255


class Iei(IntEnum):
    """Information element identifiers that this package reads; all others are kept as they are."""

    CONCAT_8 = 0x00
    PORTS_8 = 0x04
    PORTS_16 = 0x05
    CONCAT_16 = 0x08
    SINGLE_SHIFT = 0x24
    LOCKING_SHIFT = 0x25


@dataclass(slots=True, frozen=True)
class InformationElement:
    """One element of a header, known or not."""

    iei: int
    data: bytes

    def encode(self) -> bytes:
        """Identifier, length, data."""
        if not 0 <= self.iei <= 0xFF:
            raise EncodeError(f"information element: identifier {self.iei} is not 0..255")
        if len(self.data) > 0xFF:
            raise EncodeError(f"information element 0x{self.iei:02X}: {len(self.data)} octets, at most 255")
        return bytes((self.iei, len(self.data))) + self.data


@dataclass(slots=True, frozen=True)
class Concat:
    """Which part of which long message this is."""

    reference: int
    total: int
    number: int
    """1..total."""
    is_16bit: bool = False

    @property
    def is_valid(self) -> bool:
        """Whether such a part can be: 23.040 §9.2.3.24.1 has a receiver ignore the element otherwise."""
        return 1 <= self.number <= self.total <= MAX_PARTS

    def element(self) -> InformationElement:
        """As an information element."""
        limit = 0xFFFF if self.is_16bit else 0xFF
        if not 0 <= self.reference <= limit:
            raise EncodeError(f"concatenation: reference {self.reference} is not 0..{limit}")
        if not self.is_valid:
            raise EncodeError(f"concatenation: part {self.number} of {self.total} cannot be")
        if self.is_16bit:
            return InformationElement(
                Iei.CONCAT_16, self.reference.to_bytes(2, "big") + bytes((self.total, self.number))
            )
        return InformationElement(Iei.CONCAT_8, bytes((self.reference, self.total, self.number)))


@dataclass(slots=True, frozen=True)
class Ports:
    """Application ports. 23.040 §9.2.3.24.3 and .4."""

    destination: int
    source: int
    is_16bit: bool = True

    def element(self) -> InformationElement:
        """As an information element: the destination comes first."""
        width = 2 if self.is_16bit else 1
        limit = (1 << 8 * width) - 1
        for name, port in (("destination", self.destination), ("source", self.source)):
            if not 0 <= port <= limit:
                raise EncodeError(f"ports: {name} {port} is not 0..{limit}")
        data = self.destination.to_bytes(width, "big") + self.source.to_bytes(width, "big")
        return InformationElement(Iei.PORTS_16 if self.is_16bit else Iei.PORTS_8, data)


@dataclass(slots=True, frozen=True)
class UserDataHeader:
    """The elements of one header, in their order.

    Of elements that repeat or exclude each other the last one that makes sense counts (23.040 §9.2.3.24).
    """

    elements: tuple[InformationElement, ...] = ()

    @classmethod
    def of(cls, *parts: InformationElement | Concat | Ports | Shift) -> Self:
        """A header from elements and from what turns into elements."""
        elements: list[InformationElement] = []
        for part in parts:
            if isinstance(part, InformationElement):
                elements.append(part)
            elif isinstance(part, Shift):
                elements.extend(shift_elements(part))
            else:
                elements.append(part.element())
        return cls(tuple(elements))

    @property
    def concat(self) -> Concat | None:
        """The concatenation, None where there is none or none that can be."""
        for element in reversed(self.elements):
            data = element.data
            concat = None
            if element.iei == Iei.CONCAT_8 and len(data) == 3:
                concat = Concat(data[0], data[1], data[2])
            elif element.iei == Iei.CONCAT_16 and len(data) == 4:
                concat = Concat(int.from_bytes(data[:2], "big"), data[2], data[3], is_16bit=True)
            if concat is not None and concat.is_valid:
                return concat
        return None

    @property
    def ports(self) -> Ports | None:
        """The application ports."""
        for element in reversed(self.elements):
            data = element.data
            if element.iei == Iei.PORTS_16 and len(data) == 4:
                return Ports(int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big"))
            if element.iei == Iei.PORTS_8 and len(data) == 2:
                return Ports(data[0], data[1], is_16bit=False)
        return None

    @property
    def shift(self) -> Shift:
        """The national language tables of this part."""
        return Shift(locking=self._language(Iei.LOCKING_SHIFT), single=self._language(Iei.SINGLE_SHIFT))

    def without_concat(self) -> tuple[InformationElement, ...]:
        """The elements that say nothing about concatenation."""
        return tuple(e for e in self.elements if e.iei not in (Iei.CONCAT_8, Iei.CONCAT_16))

    def encode(self) -> bytes:
        """The header with its length octet; nothing where there are no elements."""
        if not self.elements:
            return b""
        body = b"".join(element.encode() for element in self.elements)
        if len(body) >= MAX_HEADER_OCTETS:
            raise EncodeError(f"user data header: {len(body) + 1} octets, at most {MAX_HEADER_OCTETS}")
        return bytes((len(body),)) + body

    def _language(self, iei: int) -> int:
        for element in reversed(self.elements):
            if element.iei == iei and len(element.data) == 1:
                return element.data[0]
        return 0


def shift_elements(shift: Shift) -> Iterable[InformationElement]:
    """The information elements that announce a shift; none for the default tables."""
    if shift.locking:
        yield InformationElement(Iei.LOCKING_SHIFT, bytes((shift.locking,)))
    if shift.single:
        yield InformationElement(Iei.SINGLE_SHIFT, bytes((shift.single,)))


def parse_udh(octets: bytes) -> UserDataHeader:
    """Read the header at the start of a message whose esm_class has the UDHI bit.

    Raises:
        DecodeError: the header is longer than the message, or an element longer than the header.
    """
    if not octets:
        raise _bad("the message is empty")
    end = 1 + octets[0]
    if end > len(octets):
        raise _bad(f"length {octets[0]} in {len(octets)} octets")
    elements = []
    at = 1
    while at < end:
        if at + 1 >= end:
            raise _bad(f"element 0x{octets[at]:02X} without a length")
        data_end = at + 2 + octets[at + 1]
        if data_end > end:
            raise _bad(f"element 0x{octets[at]:02X} of {octets[at + 1]} octets does not fit")
        elements.append(InformationElement(octets[at], octets[at + 2 : data_end]))
        at = data_end
    return UserDataHeader(tuple(elements))


def split_udh(octets: bytes) -> tuple[UserDataHeader | None, bytes]:
    """Header and body of a message with UDHI; a header that cannot be read gives None and the octets untouched."""
    try:
        header = parse_udh(octets)
    except DecodeError:
        return None, octets
    return header, octets[1 + octets[0] :]


def _bad(reason: str) -> DecodeError:
    # What an SMSC answers where it minds: the UDHI bit promised a header that is not there.
    return DecodeError(f"user data header: {reason}", CommandStatus.ESME_RINVESMCLASS)
