"""The courier: carries sealed recordings and ledger pieces to the centre and receipts back."""
