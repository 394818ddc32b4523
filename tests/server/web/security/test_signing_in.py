"""Who gets in: nobody without the password, by cookie or by header, and not by guessing."""

import base64
import time
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest
from itsdangerous import TimestampSigner
from tests.infra import Broker
from tests.server.web.conftest import asking, web_settings
from tests.web_process import PASSWORD

from racing_coach_server.web.security import tries

API = "/api/v1/health"


def basic(password: str, user: str = "") -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


async def sign_in(client: httpx.AsyncClient, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/v1/sign-in", json={"password": password})


async def test_without_a_password_everybody_on_this_machine_reads(broker: Broker) -> None:
    """Signing in is nothing, and its page leads to the pit wall."""
    async with asking(web_settings(broker)) as client:
        assert (await client.get(API)).status_code == 200
        assert (await sign_in(client)).status_code == 204
        page = await client.get("/sign-in")
    assert (page.status_code, page.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", [API, "/api/v1/pit-wall", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/laps"])
async def test_the_api_is_closed(broker: Broker, path: str) -> None:
    """It says so, and not what is there."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/", "/laps?driver=A%26B", "/lap/00000000-0000-0000-0000-000000000000", "/nothing"])
async def test_a_page_leads_to_signing_in_and_back(broker: Broker, path: str) -> None:
    """With its query, as text that starts no other address."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        answer = await client.get(path)
    assert answer.status_code == 303
    assert httpx.URL(answer.headers["location"]).path == "/sign-in"
    assert httpx.URL(answer.headers["location"]).params["next"] == path


async def test_what_signing_in_needs_is_open(broker: Broker) -> None:
    """The page and what it loads."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        page = await client.get("/sign-in")
        assets = [part.split('"')[0] for part in page.text.split('="')[1:] if part.startswith("/assets/")]
        answers = [(await client.get(asset)).status_code for asset in assets]
        assert (await client.get("/healthz")).status_code == 204
    assert page.status_code == 200
    assert assets
    assert set(answers) == {200}


async def test_a_cookie_lets_in(broker: Broker) -> None:
    """It is for this site and the browser alone, and over TLS for TLS alone."""
    settings = web_settings(broker, password=PASSWORD)
    for scheme, is_secure in (("http", False), ("https", True)):
        async with asking(settings, base_url=f"{scheme}://pit.example") as client:
            answer = await sign_in(client)
            (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
            assert (await client.get(API)).status_code == 200
            assert (await client.post("/api/v1/sign-out")).status_code == 204
            assert (await client.get(API)).status_code == 401
        assert answer.status_code == 204
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
        assert bool(cookie["secure"]) is is_secure


async def test_a_cookie_outlives_a_restart_and_not_its_password_nor_its_days(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is made of the password; the time is signed with it, in whole seconds."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        cookies = (await sign_in(client)).cookies

    async def standing(password: str, after_days: float = 0) -> int:
        now = int(time.time() + after_days * 86_400)
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now)
        async with asking(web_settings(broker, password=password, session_days=30), cookies=cookies) as client:
            return (await client.get(API)).status_code

    assert await standing(PASSWORD) == 200
    assert await standing("another password") == 401
    assert await standing(PASSWORD, after_days=29.99) == 200
    assert await standing(PASSWORD, after_days=30.01) == 401


@pytest.mark.parametrize("value", ["", "signed in", "signed in.x.y", "\x00", "é"])
async def test_a_cookie_of_ones_own_making_does_not(broker: Broker, value: str) -> None:
    """Whatever is in it."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        answer = await client.get(API, headers={"Cookie": f"racing-coach={value}".encode()})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", [{"Authorization": f"Bearer {PASSWORD}"}, basic(PASSWORD), basic(PASSWORD, "eve")])
async def test_a_script_says_the_password_each_time(broker: Broker, header: dict[str, str]) -> None:
    """As a bearer, or as the password of any user."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        assert (await client.get(API, headers=header)).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Basic", "Basic %%%", "Basic eA==", "Digest x", "é".encode()])
async def test_no_other_header_lets_in(broker: Broker, header: str | bytes) -> None:
    """Nor does one end in a failure."""
    async with asking(web_settings(broker, password=PASSWORD)) as client:
        assert (await client.get(API, headers={"Authorization": header})).status_code == 401


async def test_guessing_is_slow_by_either_way(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sixth guess is not looked at, be it right; who is signed in stays so."""
    monkeypatch.setattr(tries, "_OF_ONE_EVERY_S", 3600.0)  # however long this takes
    settings = web_settings(broker, password=PASSWORD)
    async with asking(settings) as client:
        inside = (await sign_in(client)).cookies
        client.cookies.clear()
        by_page = [(await sign_in(client, f"wrong {number}")).status_code for number in range(3)]
        wrong = {"Authorization": "Bearer wrong"}
        by_header = [(await client.get(API, headers=wrong)).status_code for _ in range(2)]
        late = [await sign_in(client), await client.get(API, headers={"Authorization": f"Bearer {PASSWORD}"})]
        client.cookies.update(inside)
        assert (await client.get(API)).status_code == 200

    assert by_page + by_header == [401] * 5
    assert [answer.status_code for answer in late] == [429, 429]
    assert {answer.json()["code"] for answer in late} == {"too_many_tries"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 3600 for answer in late)


@pytest.mark.parametrize("path", ["/api/v1/sign-in", "/api/v1/sign-out"])
async def test_who_is_not_signed_in_sends_no_more_than_a_password(broker: Broker, path: str) -> None:
    """What comes beyond that is not kept; it was as much as somebody would send."""
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        yield b'{"password": "'
        for _ in range(1_000):
            pieces += 1
            yield b"x" * 65_536

    async with asking(web_settings(broker, password=PASSWORD)) as client:
        answer = await client.post(path, content=endless(), headers={"Content-Type": "application/json"})
        declared = await client.post("/api/v1/sign-in", content=b"x" * 100_000)
    assert pieces < 3
    assert answer.status_code == (413 if path.endswith("in") else 401)
    assert (declared.status_code, declared.json()["code"]) == (413, "not_allowed")


async def test_another_sites_page_signs_nobody_in(broker: Broker) -> None:
    """As the browser says of who asks."""
    async with asking(web_settings(broker, password=PASSWORD), headers={"Sec-Fetch-Site": "cross-site"}) as client:
        assert (await sign_in(client)).status_code == 403


async def test_nothing_can_be_written_but_that(broker: Broker) -> None:
    """Every other way of asking is refused."""
    async with asking(web_settings(broker)) as client:
        for path in ("/", "/laps", "/api/v1/laps", "/api/v1/pit-wall", "/api/v1/health"):
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                answer = await client.request(method, path)
                assert (answer.status_code, answer.json()["code"]) == (405, "not_allowed")
