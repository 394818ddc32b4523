"""A broker of the rig's tests alone: to what a rig publishes, nobody is subscribed but who the test starts."""

from collections.abc import Iterator

import pytest
from tests.infra import Broker, choose_broker
from tests.servers import MosquittoProcess


@pytest.fixture(scope="package")
def mosquitto_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """mosquitto, with our configuration, that no daemon and no other package's test ever saw.

    The one that a run shares may hold sessions of clients which were killed, and laps go to those too.
    """
    if choose_broker().kind == "container":
        from tests.containers import mosquitto_container

        with mosquitto_container() as running:
            yield running
        return
    request.getfixturevalue("need_mosquitto")
    with MosquittoProcess() as process:
        yield process.broker
