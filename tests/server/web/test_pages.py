"""Pages as they are sent."""

import re
import subprocess
import sys

import pytest
from tests.infra import Broker
from tests.server.web.conftest import asking, web_settings

LAP = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("query", ["", "?against=own_best", f"?against={LAP}"])
async def test_the_page_of_a_lap_has_the_lap_asked_for_before_it_is_read(broker: Broker, query: str) -> None:
    """By a header, at the very address that its script asks for."""
    async with asking(web_settings(broker)) as client:
        link = (await client.get(f"/lap/{LAP}{query}")).headers["link"]
    assert link == f"</api/v1/laps/{LAP}/view{query}>; rel=preload; as=fetch; crossorigin"


@pytest.mark.parametrize(
    "address", ["/laps", "/lap/a%3E%3B%20rel=x", "/lap/a%0D%0Ab:c", "/lap/1?against=%3E", "/lap/1?a=>"]
)
async def test_no_other_page_has_such_a_header(broker: Broker, address: str) -> None:
    """Nor one whose address could be anything but a lap's."""
    async with asking(web_settings(broker)) as client:
        answer = await client.get(address)
    assert answer.status_code == 200
    assert "link" not in answer.headers


@pytest.mark.parametrize("page", ["/", "/laps", f"/lap/{LAP}", "/progress"])
async def test_a_pages_module_comes_whole(broker: Broker, page: str) -> None:
    """With all that it imports, so that it is one request and not thirty."""
    async with asking(web_settings(broker)) as client:
        modules = re.findall(r'<script src="([^"]+)" type="module">', (await client.get(page)).text)
        scripts = [(await client.get(module)).text for module in modules]
    assert len(scripts) == 1
    assert re.findall(r"^(?:import|export)\b.*", scripts[0], re.MULTILINE) == []
    assert "const $dom = " in scripts[0]


def test_the_pages_of_laps_do_without_arrow() -> None:
    """It would be 43 MB of a process that is to stay under 150."""
    program = (
        "import sys; import racing_coach_server.web.laps.pages; print('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"]
