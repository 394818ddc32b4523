"""The command `racing-coach`."""

from racing_coach_core.command_line import Command, commands_of_others, program, run


def _command(name: str, target: str | None, help: str, *, extra: str = "server") -> Command:  # noqa: A002
    where = None if target is None else f"racing_coach_server.commands.{target}"
    return Command(name, help, where, extra)


COMMANDS = (
    _command("serve", "serve:serve", "Run the daemon until SIGTERM."),
    _command("web", "web:web", "Serve the pages and the API for reading until SIGTERM.", extra="web"),
    _command("doctor", "doctor:doctor", "Look at the database and the broker as the daemon would use them."),
    _command("config", None, "The daemon's settings."),
    _command("config show", "config:show_config", "Show every setting, and where it comes from; secrets are hidden."),
    _command("db", None, "The database: its schema, and how long laps are kept."),
    _command("db upgrade", "db:upgrade", "Bring the database to what this version needs."),
    _command(
        "db convert", "convert:convert", "Bring laps that an older version stored into the form that takes less room."
    ),
    _command("db distribute", "distribute:distribute", "Lay the database over all nodes of Citus."),
    _command("db prune", "prune:prune", "Delete laps that were received long ago."),
    _command("backup", "backup:backup", "Back the whole database up into a folder, while the daemon goes on."),
    _command("restore", "backup:restore", "Restore a backup into a database without laps, and look at every lap."),
    _command("laps", None, "Stored laps."),
    _command("laps list", "laps:list_laps", "Show stored laps, by default those received last, newest first."),
    _command("laps show", "lap_show:show_lap", "Show one lap: what is known of it, and the range of each channel."),
    _command("laps export", "lap_export:export_lap", "Write a stored lap to a file."),
    _command("laps relabel", "lap_relabel:relabel_laps", "Correct the track, car or driver of laps."),
    _command("laps delete", "lap_delete:delete_laps", "Delete laps, with their frames and all that was made of them."),
    _command("laps changes", "lap_changes:show_changes", "Show which laps were deleted and which drives relabelled."),
    _command("laps readmit", "lap_changes:readmit_lap", "Let a deleted lap come again."),
    _command("laps analyze", "lap_analysis:analyze_lap", "Show what happened in each corner of a lap."),
    _command("laps compare", "lap_analysis:compare_lap", "Show where a lap lost its time against another."),
    _command("laps report", "report:report", "Write the page of a lap, beside another, to one file."),
    _command("analyze", "analyze:analyze", "Analyse, compare and coach laps anew, the oldest first."),
    _command("coaching", "coaching:coaching", "What the coach said of stored laps."),
    _command("references", "references:references", "The laps with which drivers want to be compared."),
    _command("tracks", "tracks:tracks", "Track maps: the corners, numbered once and kept."),
    _command("rejected", None, "Messages that were rejected."),
    _command("rejected list", "rejected:list_rejected", "Show the messages rejected last, newest first."),
    _command("rejected show", "rejected:show_rejected", "Show one message: why it was rejected."),
    _command("rejected replay", "rejected_actions:replay", "Handle rejected messages again."),
    _command("rejected drop", "rejected_actions:drop_rejected", "Forget rejected messages, with their payloads."),
    _command("export", "export:export", "Write all data of a driver, or of a rig."),
    _command("erase", "erase:erase", "Erase all data of a driver, or of a rig."),
    _command("end-session", "end_session:end_session", "End a session at the broker, with all that waits in it."),
)
"""Every command, one a line; none is imported before it is called for."""


def main() -> None:
    """Entry point."""
    run(program("racing-coach", "Keeps every lap a sim racer finishes.", [*COMMANDS, *commands_of_others()]))


if __name__ == "__main__":
    main()
