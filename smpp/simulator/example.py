"""A script with everything in it, explained: what `smpp simulate --print-script` shows."""

from typing import Final

from smpp.simulator.forms import RECEIPT_FORMS

_EXAMPLE: Final = """\
# A script for `smpp simulate --script FILE`. Every key may be left out; what stands here is the default,
# unless the line begins with "#".

# seed = 1                      # chances, delays and routes repeat themselves
max_binds = 0                   # binds of one system_id on one server; 0: any number

[ids]
format = "decimal"              # decimal, hex, padded, uuid
start = 1
width = 10                      # digits of padded
receipt_format = "same"         # how receipts write ids: same, decimal, hex, padded

[receipts]
delay = 0.0                     # seconds; or [least, most]; or { mean = 0.5, max = 10.0 } (exponential)
states = { DELIVERED = 1 }      # final states and their weights, such as { DELIVERED = 95, UNDELIVERABLE = 5 }
form = "standard"               # FORMS
route = "any"                   # which bind of the account: any, same, other_bind, other_server
attempts = 10                   # how often one is sent that is not acknowledged
retry = 1.0                     # seconds in between
lead = 0.05                     # seconds by which "before_response" comes before the response

[link]
ignore_enquire_link = false
write_octets = 0                # write in pieces of so many octets
write_delay = 0.0               # seconds between two pieces
window = 0                      # refuse what exceeds so many unanswered requests of a bind
window_status = "ESME_RTHROTTLED"

[distribution_lists]            # for submit_multi
# staff = ["447700900001", "447700900002"]

# The first [[bind]] that fits decides on a bind.
# [[bind]]
# system_id = "old*"            # * and ? as in file names
# mode = "rx"                   # tx, rx, trx; "": any
# server = 0                    # index of the server
# every = 2                     # every second of those that fit
# probability = 0.5
# first = 3                     # only three times
# status = "ESME_RALYBND"       # 0 or none: let it in
# delay = 0.5
# answer = "normal"             # normal, none, disconnect

# The first [[rule]] that fits decides on a message.
# [[rule]]
# destination = "4479*"         # which: also source, text, system_id, server, every, probability, first
# over_per_second = 50          # only what exceeds 50 in any sliding second; answered ESME_RTHROTTLED
# scope = "server"              # ... of a bind, a server, or the group
# status = "ESME_RTHROTTLED"    # what to do: a name, or a number
# delay = [0.1, 0.5]            # before the answer
# answer = "normal"             # normal, none, malformed, bad_length, wrong_type, duplicate, nack
# disconnect = "before"         # before or after the answer
# freeze = 5.0                  # then neither read nor write for so many seconds
# receipt = "normal"            # normal, none, duplicate, out_of_order, before_response
# receipt_state = "EXPIRED"
# receipt_word = "ABSENT-SUB"   # what stat says instead of the state's own word
# receipt_delay = 2.0
# receipt_form = "text"
# error = "027"                 # err of the receipt
"""


def example_script() -> str:
    """The script, in TOML."""
    return _EXAMPLE.replace("FORMS", f"one of {', '.join(RECEIPT_FORMS)}")
