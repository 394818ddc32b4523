"""Every table of every feature, so that migrations see them all: each feature's models come with the feature."""

from racing_coach_server.database.backup_record import BackupRecord
from racing_coach_server.database.base import Base
from racing_coach_server.features import FEATURES

__all__ = ["FEATURES", "BackupRecord", "metadata"]

metadata = Base.metadata
