"""tests/copies/shop, which has PostgreSQL, SQLAlchemy, Alembic and a worker, deployed under load."""

import json
import re
import subprocess

import pytest

from tests.checkout import ROOT, docker, wait_for
from tests.load import SHORT, Load

from .projects import commit

SHOP = ROOT / "tests" / "copies" / "shop"
OVERRIDE = "docker-compose.override.yml"
ENV = """POSTGRES_PASSWORD=secret
DATABASE_URL=postgresql+psycopg://postgres:${POSTGRES_PASSWORD}@db/postgres
MIGRATE_COMMAND=alembic upgrade head
WORKER_COMMAND=python -m shop.jobs
DRAIN_SECONDS=3
"""
MIGRATION = """import sqlalchemy as sa
from alembic import op

revision, down_revision = "{0}", "{1}"


def upgrade() -> None:
    {2}
"""
SECOND = 'op.add_column("orders", sa.Column("note", sa.Text, nullable=False, server_default="none"))'
NOTE = 'mapped_column(server_default="none")'
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 5432), 3)"


class Orders(Load):
    """Orders, and questions for them."""

    async def _order(self, url: str, headers: dict[str, str]) -> None:
        answer = await next(self.clients).post(f"{url}/orders/tea", headers=headers)
        if answer.status_code != 201:
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _orders(self, url: str, headers: dict[str, str]) -> None:
        answer = await next(self.clients).get(f"{url}/orders", headers=headers)
        if answer.status_code != 200 or "waiting" not in answer.json():
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")


@pytest.fixture
def shop(source, project):
    files = {
        str(path.relative_to(SHOP)): path.read_text()
        for path in SHOP.rglob("*")
        if path.is_file() and path.name != OVERRIDE and "__pycache__" not in path.parts
    }
    copy = project("orders", {**files, ".env": ENV})
    if copy.runtime != "docker":
        pytest.skip("RUNTIME is not docker")
    code, output = source.new(copy, APP_MODULE="shop.web:app")
    assert code == 0, output
    source.link(copy.home)
    (copy.home / OVERRIDE).write_text((SHOP / OVERRIDE).read_text())
    commit(copy.path)
    yield copy
    copy.make("down")
    subprocess.run(["docker", "volume", "rm", "behindproxy-orders_db"], capture_output=True)


def edit(shop, name: str, old: str, new: str) -> None:
    path = shop.home / "shop" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def migrate(shop, number: str, before: str, step: str) -> None:
    path = shop.home / "migrations" / "versions" / f"{number}.py"
    path.write_text(MIGRATION.format(number, before, step))


def reaches(container: str, image: str, address: str) -> bool:
    """Whether what shares the network of `container` can connect to the database at `address`."""
    command = ["docker", "run", "--rm", f"--network=container:{container}", image, "python", "-c", CONNECT]
    return subprocess.run([*command, address], capture_output=True).returncode == 0


def test_a_deploy_with_a_migration_loses_no_request_and_no_job(shop, record):
    def orders() -> dict[str, int]:
        return dict(json.loads(shop.answers("/api/v1/orders")))

    shop.must("up")
    assert orders() == {"all": 0, "waiting": 0}
    worker = shop.container("worker")
    log = subprocess.Popen(["docker", "logs", "--follow", worker], stdout=subprocess.PIPE, text=True)
    load = Orders([f"http://127.0.0.1:{shop.http}/api/v1"], {"order": 2.0, "orders": 25 * SHORT})
    load.start()
    try:
        wait_for(lambda: orders()["all"] > 5, 30)
        migrate(shop, "0002", "0001", SECOND)
        edit(shop, "tables.py", "    shipped:", f"    note: Mapped[str] = {NOTE}\n    shipped:")
        edit(shop, "web.py", '{"all"', '{"notes": session.scalar(select(func.count(Order.note))) or 0, "all"')
        output = shop.must("deploy")
        assert output.index("running alembic upgrade head") < output.index("worker   draining"), output
        assert orders()["notes"] > 0
        # One that fails replaces nothing.
        migrate(shop, "0003", "0002", 'op.drop_table("nowhere")')
        edit(shop, "web.py", '{"notes"', '{"third": 1, "notes"')
        second = shop.container("app"), shop.container("worker")
        code, output = shop.make("deploy")
        assert code != 0 and "nothing was replaced" in output and "nowhere" in output, output
        assert second == (shop.container("app"), shop.container("worker")) and "third" not in orders()
        # The version before works with the new column, and a rollback runs no migration.
        assert "running alembic" not in shop.must("rollback")
        assert "notes" not in orders() and shop.container("worker") != second[1]
    finally:
        tally = load.stop()
    record(tally, "a deploy with a migration, one whose migration fails, a rollback")
    assert not tally.failures
    wait_for(lambda: orders()["waiting"] == 0, 60)
    assert orders()["all"] == tally.counts["order"]
    # The worker that was replaced first ended the job that it had begun.
    text, _ = log.communicate(timeout=10)
    assert text.count(" begun\n") == text.count(" shipped\n") > 0 and text.endswith("the worker ends\n"), text
    only_its_own_reach_the_database(shop)
    # It is known to the commands as the other parts are.
    code, output = shop.make("ps")
    assert code == 0 and {"app", "db", "worker"} <= {line.split()[0] for line in output.splitlines()}, output
    assert "ready to accept connections" in shop.must("logs", FOLLOW=0)
    docker("stop", shop.container("db"))
    code, output = shop.make("ps")
    assert code != 0 and "unhealthy: db is " in output, output
    code, output = shop.make("doctor")
    assert code != 0 and re.search(r"(?m)^\W*db\W", output), output
    shop.must("down")
    assert shop.nothing_left()
    assert not docker("network", "ls", "--quiet", "--filter", "name=behindproxy-orders")


def only_its_own_reach_the_database(shop) -> None:
    database = json.loads(docker("inspect", shop.container("db")))[0]
    ((_, network),) = database["NetworkSettings"]["Networks"].items()
    assert database["HostConfig"]["PortBindings"] in (None, {})
    for service, expected in (("traefik", False), ("app", True), ("worker", True)):
        is_reached = reaches(shop.container(service), "behindproxy-orders-app", network["IPAddress"])
        assert is_reached == expected, service
