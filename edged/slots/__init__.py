"""A slot of the dock: its table of states, and the shell that carries out its actions."""
