"""What the demo adds to the command `racing-coach`."""

from racing_coach_core.command_line import Command

demo = Command(
    "demo",
    "Run broker, database, daemon and rigs on this machine, and show what happened.",
    "racing_coach_demo.main:demo",
    "demo",
)
