"""What can be wrong with a backup."""

from racing_coach_server.exceptions import CommandError


class BackupError(CommandError):
    """Base of what keeps a backup from being made or restored; the message says what to do.

    BackupError
    ├── NoProgramError       pg_dump or pg_restore is not there, or older than the server
    ├── NoBackupError        a folder has no finished backup in it
    ├── NotRestorableError   the database, or the server, is not one to restore into
    └── DamagedBackupError   what was restored is not what was backed up
    """


class NoProgramError(BackupError):
    """pg_dump or pg_restore is not there, or older than the server."""


class NoBackupError(BackupError):
    """A folder has no finished backup in it, or no room for one."""


class NotRestorableError(BackupError):
    """The database, or the server, is not one to restore into."""


class DamagedBackupError(BackupError):
    """What was restored is not what was backed up."""
