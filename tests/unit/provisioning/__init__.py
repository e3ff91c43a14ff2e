"""What of provisioning is decided without a socket."""
