"""The command line `smpp`: puts the commands together; each has its own module in `smpp.tools`."""

import click

from smpp.tools.bench import bench
from smpp.tools.decode import decode
from smpp.tools.encode import encode
from smpp.tools.listen import listen
from smpp.tools.send import send
from smpp.tools.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="smppkit", prog_name="smpp")
def main() -> None:
    """Tools for SMPP v3.4."""


main.add_command(bench)
main.add_command(decode)
main.add_command(encode)
main.add_command(listen)
main.add_command(send)
main.add_command(simulate)
