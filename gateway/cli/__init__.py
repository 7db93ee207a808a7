"""The command line: ``gateway serve``, ``gateway check``, ``gateway config``, and the operator's verbs.

Exit codes: 0 done; 1 refused, or something is wrong; 2 a wrong command line or config; 3 the gateway cannot be reached.
"""

from gateway.cli.main import main

__all__ = ["main"]
