"""Octets to PDUs and back: no time, no state, no I/O."""

from smpp.wire.codec import Pdu, decode, encode
from smpp.wire.framing import FrameReader
from smpp.wire.tlv import NO_TLVS, Tlv, TlvProfile, Tlvs, TlvType

__all__ = ["NO_TLVS", "FrameReader", "Pdu", "Tlv", "TlvProfile", "TlvType", "Tlvs", "decode", "encode"]
