"""The command `racing-coach-rig`."""

from racing_coach_core.command_line import Command, program, run


def _command(name: str, target: str | None, help: str) -> Command:  # noqa: A002 (click's word)
    return Command(name, help, None if target is None else f"racing_coach_rig.commands.{target}", "rig")


COMMANDS = (
    _command("publish", "publish:publish", "Publish laps, wait for the answers, and say what became of each."),
    _command("run", "run:run", "Find finished laps and send them until stopped."),
    _command("status", "status:status", "Show what waits, what was rejected and why, and the accounts."),
    _command("doctor", "doctor:doctor", "Look at broker, outbox, disk and clock as the rig would use them."),
    _command("waiting", "waiting:waiting", "Laps on disk that are not answered yet."),
    _command("config", None, "The rig's settings."),
    _command("config show", "config:show_config", "Show every setting, and where it comes from; secrets are hidden."),
    _command("rejected", "rejected:rejected", "Laps that the daemon rejected."),
)
"""Every command, one a line; none is imported before it is called for."""


def main() -> None:
    """Entry point."""
    run(program("racing-coach-rig", "Sends every finished lap, and keeps it on disk until it is stored.", COMMANDS))


if __name__ == "__main__":
    main()
