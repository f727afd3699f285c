"""The station's USB ports: closed until the core asks for one. A process of its own, as root, and nothing else."""
