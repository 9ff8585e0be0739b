"""APP_MODULE: an application, or a function that makes one."""

import functools

import pytest
from fastapi import FastAPI

from behindproxy_serve.load import is_factory, load

MODULE = """
from fastapi import FastAPI

made = FastAPI()
text = "no application"


def create_app(title="by a factory"):
    return FastAPI(title=title)


async def asgi(scope, receive, send): ...


def fails():
    raise OSError("no database")


async def later():
    return made


def with_settings(settings):
    return made


class Factories:
    @staticmethod
    def create():
        return made
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "their_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "their_module", raising=False)


def test_an_application_is_itself_and_a_factory_is_called():
    assert isinstance(load("their_module:made"), FastAPI)
    assert load("their_module:create_app").title == "by a factory"
    assert isinstance(load("their_module:Factories.create"), FastAPI)
    assert load("their_module:asgi").__name__ == "asgi"


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("text", TypeError, "text is str, and no ASGI application"),
        ("FastAPI", TypeError, "FastAPI is a class, and no ASGI application"),
        ("later", TypeError, "later is asynchronous"),
        ("fails", OSError, "no database"),
        ("create_app.app", AttributeError, "app"),
    ],
)
def test_what_is_no_application_is_named(name, error, says):
    with pytest.raises(error, match=says):
        load(f"their_module:{name}")


def test_what_takes_arguments_or_is_an_object_is_no_factory():
    class Application:
        def __call__(self): ...

    assert not is_factory(Application())

    async def passes_on(*arguments): ...

    assert not is_factory(lambda scope: None)
    assert not is_factory(passes_on)
    assert is_factory(lambda *arguments: None)
    assert not is_factory(functools.partial(FastAPI))
