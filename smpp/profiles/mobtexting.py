"""The SMPP gateway of MOBtexting.

Two servers, of which one is always up; messages and receipts of an account pass over any bind to either. Binds and rate
are what the provider names as usual; an account's own go into `pool_config`. Its text speaks of three servers where it
counts binds, and lists two.
"""

from typing import Final

from smpp.constants import CommandId
from smpp.profiles.mobtexting_codes import NO_BALANCE, RECEIPT_ERRORS, STATUS_NAMES
from smpp.profiles.profile import Profile, TlvRule
from smpp.retry import RetryClass
from smpp.wire import dlt
from smpp.wire.tlv import text_type

_INDIA: Final = ("91",)

# As C-octet strings. The provider prints 51212 as the tag of TM_ID; 0x1402 is 5122.
PE_ID: Final = text_type(dlt.pe_id.tag, "PE_ID", 31)
TEMPLATE_ID: Final = text_type(dlt.template_id.tag, "Template_ID", 31)
TM_ID: Final = text_type(dlt.tm_id.tag, "TM_ID", 65)

MOBTEXTING: Final = Profile(
    name="mobtexting",
    servers=(
        ("smpp://smpp1.txtsms.me:3634", "smpps://smpp1.txtsms.me:3635"),
        ("smpp://smpp2.txtsms.me:3634", "smpps://smpp2.txtsms.me:3635"),
    ),
    binds_per_server=3,
    parts_per_second_per_server=50.0,
    enquire_link_seconds=60.0,
    idle_seconds=300.0,
    system_type="smpp",
    commands=frozenset({CommandId.SUBMIT_SM, CommandId.DATA_SM}),
    max_message_octets=140,
    tlv_profile=dlt.PROFILE_WITH_NUL,
    # All three are mandatory in its list; they mean something for Indian numbers only.
    tlv_rules=(
        TlvRule(PE_ID, _INDIA),
        TlvRule(TEMPLATE_ID, _INDIA),
        # A number, or the hash (SHA-256) of the chain of telemarketers.
        TlvRule(TM_ID, _INDIA, hash_digits=64),
    ),
    gsm_data_codings=frozenset({1}),  # taken, and advised against
    status_names=STATUS_NAMES,
    status_texts={NO_BALANCE: "no credit is left for the message"},
    receipt_errors=RECEIPT_ERRORS,
    # Says nothing of the message: it passes once the account is topped up.
    retry_classes={NO_BALANCE: RetryClass.RETRY_LATER},
)
