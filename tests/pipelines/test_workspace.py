"""What a fresh clone rests on: pinned versions, Meltano's own rules, schedules that spare SERPI."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import json
import re

import jsonschema
import yaml

from support.meltano_projects import REPOSITORY

OURS = {path.parent.name for path in REPOSITORY.glob("*/pyproject.toml")} | {"erp-sandbox"}

BROUGHT_BY_VENV = {"setuptools", "wheel"}


def pinned(file: str) -> dict[str, str]:
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_constraints_hold_names_and_versions_only() -> None:
    for file in REPOSITORY.glob("constraints*.txt"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*", line), f"{file.name}: {line}"


def test_everything_installed_here_is_pinned_and_at_its_version() -> None:
    versions = pinned("constraints.txt")
    installed = {
        re.sub(r"[-_.]+", "-", one.name).lower(): one.version
        for one in importlib.metadata.distributions()
    }

    assert {
        name: (version, versions.get(name))
        for name, version in installed.items()
        if name not in OURS | BROUGHT_BY_VENV and versions.get(name) != version
    } == {}


def test_meltano_yml_follows_meltanos_own_schema() -> None:
    schema = json.loads(
        importlib.resources.files("meltano.schemas").joinpath("meltano.schema.json").read_text()
    )
    content = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))

    checker = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in checker.iter_errors(content)] == []


def test_no_schedule_asks_more_often_than_every_five_minutes() -> None:
    content = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))

    jobs = {job["name"] for job in content["jobs"]}
    assert content["schedules"]
    for schedule in content["schedules"]:
        minutes = schedule["interval"].split()[0]
        assert schedule["job"] in jobs
        assert re.fullmatch(r"\d+", minutes) or int(minutes.removeprefix("*/")) >= 5


def test_every_plugin_is_a_custom_one_so_that_no_registry_of_plugins_is_asked() -> None:
    content = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))

    for plugins in content["plugins"].values():
        for plugin in plugins:
            own = {"namespace", "pip_url", "executable"} <= set(plugin)
            assert own or "inherit_from" in plugin, plugin["name"]


def test_every_link_of_a_document_leads_to_a_file_or_heading() -> None:
    documents = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    documents += [path.parent / "README.md" for path in REPOSITORY.glob("*/pyproject.toml")]

    for document in documents:
        for link in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", document.read_text("utf-8")):
            target = document.parent / link[0] if link[0] else document
            assert target.exists(), f"{document.name}: {link[0]}"
            if link[1]:
                assert link[1] in _headings(target.read_text("utf-8")), (
                    f"{document.name}: {link[1]}"
                )


def _headings(text: str) -> set[str]:
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    }
