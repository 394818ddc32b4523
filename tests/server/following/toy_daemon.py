"""The daemon with the toy feature: `python -m tests.server.following.toy_daemon`."""

from tests.server.following.toy import toy

from racing_coach_server.app import App
from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import load_settings
from racing_coach_server.features import FEATURES
from racing_coach_server.logging import configure_logging


async def serve() -> None:
    await App(load_settings(), (*FEATURES, toy)).run()


if __name__ == "__main__":
    configure_logging(load_settings().log)
    run_async(serve())
