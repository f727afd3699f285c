"""`edgectl`: what a person asks of the station, and of any copy of its ledger."""
