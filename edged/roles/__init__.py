"""How the core reaches the two roles that carry bytes: workers and sealers (port and adapters)."""
