"""Every table of every feature, so that migrations see them all: each feature's models come with the feature."""

from racing_coach_server.database.backup_record import BackupRecord
from racing_coach_server.database.base import Base
from racing_coach_server.features import FEATURES
from racing_coach_server.lifecycle.models import ErasureRecord

__all__ = ["FEATURES", "BackupRecord", "ErasureRecord", "metadata"]

metadata = Base.metadata
