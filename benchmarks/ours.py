"""Our connectors as contenders: their settings, catalogs and command lines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from environments import HERE, program_of
from erp_sandbox import facturadirecta, serpi, winfra
from measuring import ENVIRONMENT, Command, run
from servers import Server, days_without_sales, history

DATA = HERE / ".data"

WINFRA = "tap-winfra-xxl"

Config = dict[str, Any]


def written(name: str, value: object) -> str:
    """Write a JSON file for a contender and return its path.

    Args:
        name: of the file, without its ending.
        value: what it holds.
    """
    DATA.mkdir(exist_ok=True)
    path = DATA / f"{name}.json"
    path.write_text(json.dumps(value, indent=1))
    return str(path)


@cache
def _discovered(tap: str) -> str:
    command = [program_of("ours", tap), "--discover"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return done.stdout


def catalog(tap: str, stream: str, *, without: Sequence[str] = ()) -> str:
    """Write a catalog that selects one stream, as Meltano would, and return its path.

    Args:
        tap: whose catalog.
        stream: the one that is read.
        without: properties that are not selected.
    """
    content = json.loads(_discovered(tap))
    for entry in content["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["stream"] == stream
        if entry["stream"] == stream:
            entry["metadata"] += [
                {"breadcrumb": ["properties", name], "metadata": {"selected": False}}
                for name in without
            ]
    return written("-".join((tap, stream, *without)), content)


def tap_command(tap: str, config: Mapping[str, Any], catalog_path: str, name: str) -> Command:
    """Return a tap's command line.

    Args:
        tap: its program.
        config: its settings.
        catalog_path: what it reads.
        name: of the settings' file, another one for each use.
    """
    path = written(f"{tap}-{name}", config)
    return Command([program_of("ours", tap), "--config", path, "--catalog", catalog_path])


def winfra_config(server: Server, days: tuple[date, date] | None = None, **more: object) -> Config:
    """Return settings of tap-winfra-xxl.

    Args:
        server: that it reads from.
        days: first and last day of the sales, all where missing.
        more: other settings.
    """
    first, last = days or history()
    address = f"{server.url}/winfra"
    return {
        "auth_url": address,
        "auth_user": winfra.AUTH_USER,
        "auth_password": winfra.AUTH_PASSWORD,
        "domain": winfra.DOMAIN,
        "domain_url": address,
        "domain_user": winfra.DOMAIN_USER,
        "domain_password": winfra.DOMAIN_PASSWORD,
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "key_properties": {"ventas": ["id"]},
        "poll_interval": 0.01,
        **more,
    }


def winfra_command(
    server: Server,
    rows: int,
    name: str,
    days: tuple[date, date] | None = None,
    without: Sequence[str] = (),
    **more: object,
) -> Command:
    """Return a command that reads the sales of a petition that is ready, or (0 rows) of an empty one.

    Its peers are given a petition that is ready, too.

    Args:
        server: that it reads from.
        rows: 0, or all of `days`.
        name: of the settings' file.
        days: first and last day of the sales, all where missing.
        without: properties that are not selected.
        more: other settings.
    """
    asked = days or history() if rows else days_without_sales()
    config = winfra_config(server, asked, **more)
    path = catalog(WINFRA, "ventas", without=without)
    command = tap_command(WINFRA, config, path, f"{name}-{rows}")
    state = _state_with_petition(server, asked)
    return replace(command, arguments=[*command.arguments, "--state", state])


@cache
def _state_with_petition(server: Server, days: tuple[date, date]) -> str:
    """Return the state of a run that was stopped as soon as its petition was answered."""
    name = f"petition-{days[0]}-{days[1]}"
    command = tap_command(WINFRA, winfra_config(server, days), catalog(WINFRA, "ventas"), name)
    output = DATA / f"{name}.jsonl"
    run(replace(command, output=output))
    with output.open("rb") as lines:
        states = (json.loads(line) for line in lines if line.startswith(b'{"type":"STATE"'))
        return written(f"{name}-state", next(states)["value"])


def serpi_config(server: Server, rows: int | None = None, **more: object) -> Config:
    """Return settings of tap-serpi and target-serpi.

    Args:
        server: that it talks to.
        rows: where the list of articles ends, None for its end.
        more: other settings.
    """
    return {
        "api_url": f"{server.first(rows)}/serpi/api/v1",
        "token": serpi.TOKEN,
        "secret_key": serpi.SECRET_KEY,
        **more,
    }


def serpi_command(server: Server, rows: int, name: str, **more: object) -> Command:
    """Return a command that reads the first articles.

    Args:
        server: that it reads from.
        rows: how many.
        name: of the settings' file.
        more: other settings.
    """
    path = catalog("tap-serpi", "articulos")
    return tap_command("tap-serpi", serpi_config(server, rows, **more), path, f"{name}-{rows}")


def facturadirecta_command(server: Server, rows: int, name: str, **more: object) -> Command:
    """Return a command that reads the first providers.

    Args:
        server: that it reads from.
        rows: how many.
        name: of the settings' file.
        more: other settings.
    """
    config = {
        "api_url": f"{server.first(rows)}/facturadirecta",
        "api_token": facturadirecta.TOKEN,
        **more,
    }
    path = catalog("tap-facturadirecta", "providers")
    return tap_command("tap-facturadirecta", config, path, f"{name}-{rows}")


def folder(name: str) -> Path:
    """Return a folder below the data, which is emptied before each run that uses it."""
    return DATA / name
