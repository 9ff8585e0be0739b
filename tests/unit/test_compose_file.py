"""What is known of a compose file is what YAML says, however it is written."""

import pytest

from behindproxy.stack import docker, ownership


@pytest.fixture
def names_of(tmp_path, monkeypatch):
    """The project names that are found with this docker-compose.yml."""
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    monkeypatch.setattr("behindproxy.stack.settings.ROOT", tmp_path)
    monkeypatch.setattr(ownership, "COMPOSE_FILE", tmp_path / "docker-compose.yml")
    monkeypatch.setattr(ownership, "own", lambda *_: [])

    def projects(text):
        (tmp_path / "docker-compose.yml").write_text(text)
        return docker.projects()

    return projects


@pytest.mark.parametrize(
    "text",
    [
        "name: shop\nservices: {}\n",
        'name: "shop"  # quoted, with a comment\n',
        "'name': shop\n",
        "{name: shop, services: {}}\n",
        "services:\n  app: !override\n    ports: !reset []\nname:\n  shop\n",
    ],
)
def test_the_project_s_name_is_found_however_it_is_written(names_of, text):
    assert names_of(text) == {"shop"}


@pytest.mark.parametrize(
    "text", ["services: {}\n", "x: |\n  a\nname: ${NAME}\n", "x: |\nname: [\n", "", "- a\n"]
)
def test_a_file_without_a_plain_name_keeps_nobody_from_removing_what_there_is(names_of, text):
    assert names_of(text) == set()


def test_a_name_inside_a_text_is_none(names_of):
    assert names_of("x-note: >\n  a\n\n  name: other\nservices: {}\n") == set()
    assert names_of('x-note: "a\nname: other\n"\nservices: {}\n') == set()
