"""The law's side of the station: what persons enter, decide and sign, what is due and who is reminded.

`state` folds the ledger, `acts` says what each act writes and when it is refused, `dues` what persons still owe.
"""
