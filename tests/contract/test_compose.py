"""The Compose file of `deploy/compose`, as far as it can be tested without an engine: settings, commands, ports."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from handcart.cli import handcart
from handcart.core import settings
from handcart.core.db import connect, migrate
from handcart.core.secret import Keys
from handcart.upkeep import safety

DIRECTORY = Path(__file__).resolve().parents[2] / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load((DIRECTORY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = FILE["services"]
CHOSEN = {"HANDCART_PUBLIC_URL": "https://connect.example.org", "HANDCART_CONSOLE_URL": "https://console.example.org"}
OURS = [name for name, service in SERVICES.items() if service["image"] == "handcart"]


@pytest.mark.parametrize("name", OURS)
async def test_settings_of_compose_then_known_and_no_problem(name: str, tmp_path: Path) -> None:
    chosen = settings.load({**SERVICES[name]["environment"], **CHOSEN, "HANDCART_TIME_ZONE": "UTC"})
    assert chosen.is_production
    assert safety._postgres_url_problems(chosen.database_url) == []
    url, key = f"sqlite:///{tmp_path}/handcart.db", settings.new_key()
    keys = Keys(key.encode())
    await asyncio.to_thread(migrate.migrate, url, keys)
    database = await connect.connect(url, keys)
    try:
        found = await safety.look(replace(chosen, secret_key=key, database=url), database)
    finally:
        await database.close()
    assert found.problems == []


@pytest.mark.parametrize("name", OURS)
def test_command_of_compose_then_it_and_its_options_exist(name: str) -> None:
    program, name_of_command, *arguments = SERVICES[name]["command"]
    command = handcart.get_command(click.Context(handcart), name_of_command)
    assert program == "handcart"
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_compose_then_only_the_proxy_is_open_to_others() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["database"]["network_mode"] == "none"
    address = SERVICES["proxy"]["networks"]["network"]["ipv4_address"]
    assert {SERVICES[name]["environment"]["HANDCART_TRUSTED_PROXIES"] for name in OURS} == {address}


def test_compose_then_no_secret_is_in_it() -> None:
    names = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert not {name for name in names if name.endswith(("KEY", "PASSWORD"))}
