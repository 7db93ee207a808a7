"""smpp/session."""
