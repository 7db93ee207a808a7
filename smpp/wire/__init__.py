"""smpp/wire."""
