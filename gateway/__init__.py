"""A durable messaging gateway: HTTP and SMPP apps in, SMPP and REST providers out."""
