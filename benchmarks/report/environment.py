"""Where a run was made, and with what."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.servers.running import Servers

_PACKAGES = ("racing-coach", "pyarrow", "numpy", "asyncpg", "sqlalchemy", "paho-mqtt", "aiomqtt", "uvloop", "pydantic")
_DATABASE_SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "min_wal_size",
    "max_wal_size",
)


def environment(servers: Servers) -> dict[str, Any]:
    """Versions, machine and settings."""
    values = servers.execute(*(f"show {name}" for name in _DATABASE_SETTINGS))
    timescale = servers.execute("select max(extversion) from pg_extension where extname = 'timescaledb'")[0]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "broker": servers.broker_name,
        "postgresql": dict(zip(_DATABASE_SETTINGS, values, strict=True)),
        "timescaledb": timescale,
    }


def _cpu() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
