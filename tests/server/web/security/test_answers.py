"""What every answer says to the browser, and by which names the pages are called."""

import httpx
import pytest
from tests.infra import Broker
from tests.server.web.conftest import asking, web_settings
from tests.web_process import PASSWORD

HOST = {"Host": "evil.example"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/api/v1/health", 200), ("/nothing", 404), ("/api/v1/laps?limit=0", 422), ("/healthz", 204)],
)
async def test_every_answer_says_what_may_be_loaded(broker: Broker, path: str, status: int) -> None:
    """Scripts and styles from here only, none that is written into a page, and no frame around it."""
    async with asking(web_settings(broker)) as client:
        answer = await client.get(path)
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == status
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_page_holds_no_script_and_no_style_of_its_own(broker: Broker) -> None:
    """The policy would stop them; so there are none."""
    async with asking(web_settings(broker, password=PASSWORD)) as signed_out, asking(web_settings(broker)) as client:
        for path in ("/", "/laps", "/lap/00000000-0000-0000-0000-000000000000", "/progress"):
            text = (await client.get(path)).text
            assert "<script>" not in text
            assert "<style" not in text
            assert "style=" not in text
        assert "<script>" not in (await signed_out.get("/sign-in")).text


async def test_what_pages_load_is_kept_for_as_long_as_it_is_the_same(broker: Broker) -> None:
    """By a name that changes with it; by its plain name, the browser asks again, and is told that it is the same."""
    async with asking(web_settings(broker)) as client:
        page = (await client.get("/")).text
        name = next(part.split('"')[0] for part in page.split('"')[1:] if part.startswith("/assets/"))
        versioned, plain = await client.get(name), await client.get(f"/assets/{name.split('/', 3)[3]}")
        again = await client.get(plain.url.path, headers={"If-None-Match": plain.headers["etag"]})
        other = await client.get("/assets/0000000000000000/base.css")
    assert "immutable" in versioned.headers["cache-control"]
    assert plain.headers["cache-control"] == "public, no-cache"
    assert versioned.content == plain.content
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 404


@pytest.mark.parametrize(
    "path", ["/assets/../security/tries.py", "/assets/%2e%2e/app.py", "/assets//etc/passwd", "/assets/"]
)
async def test_nothing_else_of_the_disk_is_an_asset(broker: Broker, path: str) -> None:
    """Assets are those that were there at the start, by their names."""
    async with asking(web_settings(broker)) as client:
        assert (await client.get(path)).status_code == 404


async def test_pages_are_called_by_their_own_names_only(broker: Broker) -> None:
    """On this machine, without a password, another name is somebody's who has given it our address."""
    async with asking(web_settings(broker, names="pit.example, wall.example")) as client:
        for name in ("127.0.0.1:8077", "localhost", "[::1]:8077", "pit.example", "Wall.Example:443"):
            assert (await client.get("/api/v1/health", headers={"Host": name})).status_code == 200
        for name in ("evil.example", "127.0.0.1.evil.example", "", "pit.example.evil", "192.0.2.1"):
            assert (await client.get("/api/v1/health", headers={"Host": name})).status_code == 421


async def test_behind_a_password_any_name_will_do(broker: Broker) -> None:
    """No cookie goes to another name; with names given, it is those."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        assert (await client.get("/healthz", headers=HOST)).status_code == 204
    async with asking(web_settings(broker, password=PASSWORD, names="pit.example")) as client:
        assert (await client.get("/healthz", headers=HOST)).status_code == 421


async def test_openapi_names_no_place_elsewhere(empty: httpx.AsyncClient) -> None:
    """Its document is served; the usual pages for it, which load scripts from elsewhere, are not."""
    document = (await empty.get("/api/v1/openapi.json")).json()
    assert {"/api/v1/laps", "/api/v1/events", "/api/v1/laps/{lap_id}/view"} <= set(document["paths"])
    assert (await empty.get("/docs")).status_code == 404
    assert (await empty.get("/redoc")).status_code == 404
