"""How lap times are written, wherever people read them."""


def format_lap_time(seconds: float | None) -> str:
    """A lap time in minutes, seconds and thousandths.

    >>> format_lap_time(78.783), format_lap_time(59.9996), format_lap_time(3725.5), format_lap_time(None)
    ('1:18.783', '1:00.000', '62:05.500', 'unknown')

    Args:
        seconds: None where it is not known.
    """
    if seconds is None:
        return "unknown"
    minutes, thousandths = divmod(round(seconds * 1000), 60_000)
    return f"{minutes}:{thousandths // 1000:02d}.{thousandths % 1000:03d}"
