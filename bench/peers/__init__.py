"""One implementation a file, each doing the same work: ``python -m bench.peers.X client|server|codec LOAD``."""
