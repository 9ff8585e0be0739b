"""ANSWER_SECONDS, REQUEST_SECONDS and START_SECONDS, and what is alive, in the runtime that RUNTIME names."""

import concurrent.futures
import time

import httpx
import pytest

from tests.checkout import wait_for

from .conftest import addresses, client

MODULE = "tests.stack.applications"


def slowly(size: int, seconds: float):
    """Yield a body of that size in that time."""
    for _ in range(10):
        time.sleep(seconds / 10)
        yield bytes(size // 10)


def test_an_answer_and_an_upload_may_take_what_the_settings_say_and_no_longer(served):
    served.must("up", APP_MODULE=f"{MODULE}:ordinary", ANSWER_SECONDS=4, REQUEST_SECONDS=2)
    with client(served) as http, concurrent.futures.ThreadPoolExecutor() as pool:
        for url in addresses(served):
            # Longer than the request may take, which has been sent.
            within = pool.submit(http.get, f"{url}/reports/a?seconds=3")
            beyond = pool.submit(http.get, f"{url}/reports/a?seconds=6")
            quick = pool.submit(http.put, f"{url}/blobs/a", content=slowly(1000, 1))
            assert within.result().status_code == 200
            assert (beyond.result().status_code, beyond.result().text) == (504, "Gateway Timeout")
            assert (quick.result().status_code, quick.result().json()) == (200, 1000)
            with pytest.raises((httpx.HTTPError, AssertionError)):
                assert http.put(f"{url}/blobs/a", content=slowly(1000, 4)).status_code == 200
    served.must("up", APP_MODULE=f"{MODULE}:ordinary", ANSWER_SECONDS=10, REQUEST_SECONDS=10)
    with client(served) as http:
        for url in addresses(served):
            assert http.get(f"{url}/reports/a?seconds=6").json() == "a"
            assert http.put(f"{url}/blobs/a", content=slowly(1000, 4)).json() == 1000


def test_a_start_is_waited_for_as_long_as_the_setting_says(served):
    began = time.monotonic()
    (served.path / ".env").write_text("SLOW_SECONDS=12\n")
    output = served.must("up", APP_MODULE=f"{MODULE}:slow", START_SECONDS=30)
    assert time.monotonic() - began > 12
    assert output.count("the application is starting") == 1 and "START_SECONDS=30" in output


def test_a_start_that_takes_longer_is_ended_and_names_the_setting(served):
    (served.path / ".env").write_text("SLOW_SECONDS=120\n")
    code, output = served.make("up", APP_MODULE=f"{MODULE}:slow", START_SECONDS=7)
    assert code != 0
    assert f"APP_MODULE={MODULE}:slow did not start within START_SECONDS=7: its imports or " in output, output
    assert served.nothing_left()


@pytest.mark.parametrize("settings", [{}, {"APP_WORKERS": 2}], ids=["one", "two workers"])
def test_a_start_that_fails_shows_the_application_s_error_once_and_soon(served, settings):
    began = time.monotonic()
    code, output = served.make("up", APP_MODULE=f"{MODULE}:failing", START_SECONDS=150, **settings)
    assert time.monotonic() - began < 60
    assert code != 0
    assert f"APP_MODULE={MODULE}:failing could not start: RuntimeError: no database at db:5432" in output
    assert output.count('raise RuntimeError("no database at db:5432")') == 1, output
    assert served.nothing_left()


def test_a_process_that_ends_by_itself_is_named_with_the_lines_of_this_start_alone(served):
    served.make("up", APP_MODULE=f"{MODULE}:failing")
    code, output = served.make("up", APP_MODULE=f"{MODULE}:ending")
    assert code != 0
    assert f"APP_MODULE={MODULE}:ending could not start: its process ended each time" in output, output
    assert "no database at db:5432" not in output, output
    assert served.nothing_left()


@pytest.mark.parametrize("name", ["walled", "hosted", "misdirected", "redirecting"])
def test_an_application_that_refuses_everybody_is_alive(served, name):
    served.must("up", APP_MODULE=f"{MODULE}:{name}", PUBLIC_HOSTS="localhost,127.0.0.1")
    assert served.make("ps")[0] == 0
    with client(served) as http:
        own = http.get(f"{addresses(served)[0]}/orders", headers={"Host": "localhost"})
    assert own.status_code == {"walled": 401, "hosted": 403, "misdirected": 421, "redirecting": 307}[name]


def test_a_lone_server_that_is_busy_is_not_taken_out(served):
    """Its health check gets no response for longer than its timeout, and nobody else could answer."""
    served.must("up", APP_MODULE=f"{MODULE}:ordinary")
    with client(served) as http, concurrent.futures.ThreadPoolExecutor(40) as pool:
        url = addresses(served)[0]
        busy = pool.submit(http.get, f"{url}/busy?seconds=8")
        wait_for(lambda: "200" not in ready(served), 10)
        answers = []
        while not busy.done():
            answers.append(pool.submit(http.get, f"{url}/reports/a"))
            time.sleep(0.3)
        assert busy.result().status_code == 200
        assert [one.result().status_code for one in answers] == [200] * len(answers)
    assert len(answers) > 10, "it was not busy for long enough"


def ready(checkout) -> str:
    """What the server itself says within a second."""
    try:
        with httpx.Client(trust_env=False, timeout=1) as http:
            return str(http.get(f"http://127.0.0.1:{checkout.direct}/readyz").status_code)
    except httpx.HTTPError as error:
        return type(error).__name__
