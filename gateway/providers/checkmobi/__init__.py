"""CheckMobi: its API as we speak it."""
