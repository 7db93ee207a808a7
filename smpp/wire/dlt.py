"""The TLVs of India's distributed ledger registration (DLT): who sends, by which template, over which chain.

Vendor tags mean what an operator says they mean: elsewhere 0x1400 is a customer reference. A connector's profile
decides. Operators take the values with or without a NUL at the end; `PROFILE` writes none, `PROFILE_WITH_NUL` one.
"""

from typing import Final

from smpp.wire.tlv import TlvProfile, text_type

_MAX_OCTETS: Final = 254

pe_id = text_type(0x1400, "PE_ID", _MAX_OCTETS, nul=False)
template_id = text_type(0x1401, "Template_ID", _MAX_OCTETS, nul=False)
tm_id = text_type(0x1402, "TM_ID", _MAX_OCTETS, nul=False)

PROFILE: Final = TlvProfile("dlt", (pe_id, template_id, tm_id))

PROFILE_WITH_NUL: Final = TlvProfile(
    "dlt-nul", tuple(text_type(declared.tag, declared.name, _MAX_OCTETS) for declared in (pe_id, template_id, tm_id))
)

TAGS: Final = frozenset({pe_id.tag, template_id.tag, tm_id.tag})
