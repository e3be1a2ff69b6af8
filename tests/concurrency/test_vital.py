"""What keeps work alive gets through while every thread and connection of the API hangs on a lock."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from taskhub import bootstrap
from taskhub.api import api
from taskhub.http.state import AppState
from taskhub.settings import Settings
from tests.api.client import running
from tests.faults.shop import open_shop

HANGING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_renewal_does_not_queue_behind_calls_that_hang(postgres_url: str) -> None:
    address = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with open_shop(postgres_url, {"front-line": ["dee", "eve"]}) as shop:
        shop.admin.ok("POST", "/api/v1/tasks", {"kind": "data_hygiene", "title": "Look"})
        given = shop.client.as_(shop.people["dee"]).ok("POST", "/api/v1/tasks/claim", {"queues": ["quick"]})
        small = bootstrap.database(Settings(data=Path("data"), database_url=postgres_url, pool=1))
        with (
            running(api(AppState(small))) as client,
            psycopg.connect(address) as lock,
            psycopg.connect(address) as look,
        ):
            lock.execute("SELECT 1 FROM agent WHERE key = 'eve' FOR UPDATE")
            look.autocommit = True
            claim = threading.Thread(target=client.as_(shop.people["eve"]).post, args=("/api/v1/tasks/claim",))
            claim.start()
            while look.execute(HANGING).fetchone() == (0,):
                pass
            path = f"/api/v1/tasks/{given['task']['id']}/renew"
            client.as_(shop.people["dee"]).ok("POST", path, {"lease_token": given["lease"]["token"]})
            assert claim.is_alive()
            lock.rollback()
            claim.join()
        small.close()
