"""Every table, so that whoever asks for them sees them all: a feature's models come with the feature."""

from racing_coach_server.database.backup_record import BackupRecord
from racing_coach_server.database.base import Base
from racing_coach_server.features import FEATURES
from racing_coach_server.following.models import LockSlot
from racing_coach_server.lifecycle.models import ErasureRecord
from racing_coach_server.rejected.models import RejectedMessage

__all__ = ["FEATURES", "BackupRecord", "ErasureRecord", "LockSlot", "RejectedMessage", "metadata"]

metadata = Base.metadata
