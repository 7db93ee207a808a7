"""MOBtexting: its API as we speak it."""
