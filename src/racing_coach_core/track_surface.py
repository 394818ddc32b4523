"""Where on the track a car is."""

from enum import IntEnum


class TrackSurface(IntEnum):
    """iRacing's `irsdk_TrkLoc` (`irsdk_defines.h` of its SDK), in the channel `track_surface`."""

    NOT_IN_WORLD = -1
    OFF_TRACK = 0
    PIT_STALL = 1
    APPROACHING_PITS = 2
    ON_TRACK = 3
