"""smpp/sms."""
