"""Root commissions a station below a folder."""

from pathlib import Path

from edged.cli.main import main
from tests.edged.samples import CONFIG

USER, READERS = 65533, 65532  # of nobody on any Debian


def init(host: Path, *, credentials: bool, vault: str = "") -> int:
    named = (
        'signing_key = "credential:station.key"\nbadge_key = "credential:badge.key"\n' if credentials else ""
    )
    text = CONFIG.replace("[keys]\n", f"[keys]\n{named}")
    text = text.replace('id = "post-1"', f'id = "post-1"\nstate = "{host}/state"')
    text = text.replace("/srv/vault", f"{host}/vault").replace(
        "[vault]", f"[vault]\nallow_memory = true\n{vault}"
    )
    (host / "edged.toml").write_text(text)
    words = ["--config", f"{host}/edged.toml", "station", "init", "--customs-body", "Митниця", "--post", "7"]
    return main([*words, "--keys", f"{host}/keys"])
