"""The station: slots, access, custody, vault, ledger, control."""
