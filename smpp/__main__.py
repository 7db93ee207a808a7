"""``python -m smpp`` is the command `smpp`."""

from smpp.cli import main

main(prog_name="smpp")
