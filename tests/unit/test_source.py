"""Which line of somebody's application a finding comes from."""

from types import SimpleNamespace

import pytest

from behindproxy.contract.advice.diagnosis import diagnose
from behindproxy.contract.advice.setting import Setting
from behindproxy.contract.advice.source import Source

APPLICATION = """from fastapi import FastAPI

app = FastAPI(root_path="/shop")


@app.get("/orders")
async def orders():
    return [f"/orders/{number}" for number in range(3)]


@app.get("/old")
async def old():
    return RedirectResponse("/orders")
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    (tmp_path / "their").mkdir()
    (tmp_path / "their" / "module.py").write_text(APPLICATION)
    monkeypatch.chdir(tmp_path)
    return Source("their.module:app", tmp_path / "their", "/shop")


def only(*values) -> str:
    (cause,) = diagnose(*values, setting=Setting(ours=True)).causes
    return str(cause)


def red(id: str, observed: str) -> SimpleNamespace:
    check = SimpleNamespace(id=id, group=id.partition(".")[0], title="a title")
    return SimpleNamespace(
        check=check,
        entrypoint="http",
        red=True,
        status="failed",
        level="broken",
        observed=observed,
        fix="The fix.",
    )


@pytest.mark.parametrize(
    ("observed", "line"),
    [
        ('links outside: \n  /orders -> ["/orders/1", "/orders/2"]', "their/module.py:8: return"),
        ("redirects outside: \n  /old -> /orders", "their/module.py:13: return RedirectResponse"),
        ("redirects outside: \n  /old -> http://127.0.0.1:9999/orders", "their/module.py:13: "),
        ("cookies outside: \n  /old -> session=1", "their/module.py:3: app = FastAPI("),
    ],
)
def test_what_was_observed_leads_to_a_line(source, observed, line):
    text = only([red("application.links", observed)], source)
    assert text.startswith("the application's own fault")
    assert line in text


def test_a_known_cause_has_its_own_pattern(source):
    reds = [red("app.root_path@direct", "status: 404")]
    reds[0].check.id, reds[0].entrypoint = "app.root_path", "direct"
    text = only(reds, source)
    assert 'their/module.py:3: app = FastAPI(root_path="/shop")' in text


@pytest.mark.parametrize(
    "line",
    [
        'app.add_middleware(SessionMiddleware, secret_key="x")',
        'answer.set_cookie("session", "1")',
        "answer.set_cookie(NAME, value)",
    ],
)
def test_a_cookie_leads_to_the_line_that_sets_it(source, line):
    with (source.path / "module.py").open("a") as file:
        file.write(f"from starlette.middleware.sessions import SessionMiddleware\n{line}\n")
    text = only([red("application.cookies", "cookies outside: \n  /old -> session=1; path=/")], source)
    assert text.endswith(f" {line}") and "import" not in text


@pytest.mark.parametrize("observed", ["/admin/ -> csrf=1; Path=/", '/admin/ -> ["csrf=1; Path=/"]'])
def test_a_line_that_sets_another_cookie_is_not_named(source, observed):
    with (source.path / "module.py").open("a") as file:
        file.write('answer.set_cookie("seen", "1", path="/shop")\n')
    text = only([red("application.cookies", f"cookies outside: \n  {observed}")], source)
    assert "set_cookie" not in text and text.endswith('app = FastAPI(root_path="/shop")')


def test_without_the_source_there_is_no_line():
    text = only([red("application.links", "links outside: \n  /a -> /b")])
    assert text.endswith("The fix.")


def test_a_published_application_is_told_by_its_own_setting(source):
    (source.path / "module.py").write_text("app = Datasette(memory=True).app()\n")
    text = only([red("application.redirects", "redirects to themselves: \n  / -> /shop/")], source)
    assert 'base_url": "/shop/"' in text
