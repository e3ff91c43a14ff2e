"""What lab elements with a JSON API share: a real HTTPS server on loopback, its certificate, and its faults."""
