"""Where recordings are kept: layout, the sealer's pipeline and process, space, beginnings."""
