"""What connections.toml says of the demo's CRM. Pure."""

from __future__ import annotations

from taskhub.demo.crm.fakes import System
from taskhub.demo.crm.office import Office


def variable(secret: str) -> str:
    """The environment variable that holds a secret of the demo's connection."""
    return f"TASKHUB_DEMO_{secret.upper()}"


def text(key: str, system: System, office: Office, address: str, home: str) -> str:
    """The whole file. ``address``: where the CRM answers; ``home``: where people reach taskhub."""
    settings, tables = office.settings()
    lines = [
        "# Written by the demo for its CRM.", "[[connection]]", f'key = "{key}"', f'system = "{key}"',
        f'name = {{ en = "{system.name}", fr = "{system.name}" }}',
        "[connection.secrets]", *(f'{name} = "{variable(name)}"' for name in system.secrets),
        "[connection.users]", *(f'"{id}" = "{person}"' for person, id in office.users.items()),
        "[connection.write_back]", 'tasks = "assigned"', "acts = true", f'link = "{home}"',
        "[connection.settings]", f'base_url = "{address}"', f'token_url = "{address}{system.token}"',
        *settings, *tables,
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
