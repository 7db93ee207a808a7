"""Scripts in TOML, and what is said of bad ones."""

import re
from pathlib import Path

import pytest

from smpp.errors import ScriptError
from smpp.simulator import (
    BindRule,
    Exponential,
    Ids,
    LinkFaults,
    Receipts,
    Rule,
    Script,
    example_script,
    load_script,
    parse_script,
)

WHOLE = """
seed = 7
max_binds = 2

[ids]
format = "hex"
start = 4096
receipt_format = "decimal"

[receipts]
delay = [0.1, 2.0]
states = { DELIVERED = 9, UNDELIVERABLE = 1 }
form = "text"
route = "other_server"
attempts = 3
retry = { mean = 0.5, max = 5 }

[link]
ignore_enquire_link = true
write_octets = 7
window = 10
window_status = "ESME_RMSGQFUL"

[distribution_lists]
staff = ["4911", "4912"]

[[bind]]
system_id = "old*"
status = "ESME_RALYBND"
first = 2

[[rule]]
destination = "4479*"
every = 3
status = "ESME_RTHROTTLED"
delay = 1

[[rule]]
text = "*freeze*"
freeze = 2.5
receipt = "out_of_order"
"""


def test_a_script_says_everything_that_python_may() -> None:
    assert parse_script(WHOLE) == Script(
        seed=7,
        max_binds=2,
        ids=Ids(format="hex", start=4096, receipt_format="decimal"),
        receipts=Receipts(
            delay=(0.1, 2.0),
            states={"DELIVERED": 9, "UNDELIVERABLE": 1},
            form="text",
            route="other_server",
            attempts=3,
            retry=Exponential(mean=0.5, max=5),
        ),
        link=LinkFaults(ignore_enquire_link=True, write_octets=7, window=10, window_status="ESME_RMSGQFUL"),
        distribution_lists={"staff": ("4911", "4912")},
        binds=(BindRule(system_id="old*", status="ESME_RALYBND", first=2),),
        rules=(
            Rule(destination="4479*", every=3, status="ESME_RTHROTTLED", delay=1),
            Rule(text="*freeze*", freeze=2.5, receipt="out_of_order"),
        ),
    )


def test_an_empty_script_is_a_well_behaved_smsc() -> None:
    assert parse_script("") == Script()


def test_the_printed_script_is_that_of_a_well_behaved_smsc() -> None:
    assert parse_script(example_script()) == Script()


def test_the_printed_script_explains_every_key_with_a_value_that_may_be() -> None:
    commented = example_script().replace("# [[", "[[")
    lines = [line.removeprefix("# ") if re.match(r"# \w+ = ", line) else line for line in commented.splitlines()]
    script = parse_script("\n".join(lines))
    (rule,), (bind,) = script.rules, script.binds
    assert rule != Rule()
    assert bind != BindRule()
    named = set(re.findall(r"^(\w+) = ", "\n".join(lines), re.MULTILINE))
    named |= {"source", "text"}  # named in a comment, with the others that fit a message
    for kind in (Rule, BindRule, LinkFaults, Receipts, Ids):
        assert set(kind.__struct_fields__) <= named


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", "s.toml: x = 1: expected a key that exists: this one does not"),
        ("[[rule]]\nstat = 5", "s.toml: rule[0].stat = 5: expected a key that exists: this one does not"),
        (
            '[[rule]]\n[[rule]]\nstatus = "ESME_RFOO"',
            "s.toml: rule[1].status = 'ESME_RFOO': expected a command_status: a name such as ESME_RTHROTTLED,"
            " or 0 to 0xFFFFFFFF",
        ),
        ("[[rule]]\nevery = -1", "s.toml: rule[0].every = -1: expected int >= 0"),
        ('[[rule]]\nevery = "x"', "s.toml: rule[0].every = 'x': expected int, not str"),
        ("[[rule]]\nprobability = 2", "s.toml: rule[0].probability = 2: expected float <= 1.0"),
        ('[link]\nwindow = "a"', "s.toml: link.window = 'a': expected int, not str"),
        (
            '[receipts]\nroute = "x"',
            "s.toml: receipts.route = 'x': expected one of 'any', 'other_bind', 'other_server', 'same'",
        ),
        (
            "[receipts]\ndelay = -1",
            "s.toml: receipts.delay = -1.0: expected seconds of 0 or more, or [least, most]",
        ),
        ("rule = 5", "s.toml: rule = 5: expected array, not int"),
    ],
)
def test_what_is_wrong_is_said_by_file_key_value_and_expectation(text: str, expected: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse_script(text, "s.toml")
    assert str(caught.value) == expected


def test_what_is_no_toml_is_said_to_be_none() -> None:
    with pytest.raises(ScriptError, match=r"^s\.toml: expected TOML \("):
        parse_script("[", "s.toml")


def test_a_file_that_is_not_there_is_said_to_be_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="expected a readable TOML file"):
        load_script(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "text",
    [
        '[receipts]\nform = "nice"',
        "[receipts]\nstates = { HAPPY = 1 }",
        "[receipts]\nstates = { DELIVERED = 0 }",
        '[ids]\nformat = "uuid"\nreceipt_format = "hex"',
        '[[rule]]\nerror = "too long"',
        '[[rule]]\nreceipt_form = "nice"',
        '[[rule]]\nreceipt_state = "HAPPY"',
        "[[rule]]\ndelay = [2, 1]",
        "[[bind]]\nstatus = 0x100000000",
    ],
)
def test_values_that_no_smsc_can_follow_are_refused(text: str) -> None:
    with pytest.raises(ScriptError, match="expected"):
        parse_script(text)
