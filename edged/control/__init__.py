"""The control socket: what a named person may ask of the running station."""
