"""Bytes that a frame takes on disk, with its share of the index."""

from typing import Any

from benchmarks.servers.running import Servers


def measure_storage(servers: Servers) -> dict[str, Any]:
    """Of the laps that are stored just now; where TimescaleDB is, as rows and again in the columnstore."""
    frames = servers.execute("select count(*) from telemetry")[0]
    hypertable = servers.execute("select count(*) from pg_extension where extname = 'timescaledb'")[0]
    if not hypertable:
        size = servers.execute("vacuum telemetry", "select pg_total_relation_size('telemetry')")[1]
        return {"bytes_per_frame": size / frames, "table": "plain", "frames": frames}
    rows = servers.execute("select hypertable_size('telemetry')")[0]
    servers.execute("select count(compress_chunk(chunk)) from show_chunks('telemetry') chunk")
    columns = servers.execute("select hypertable_size('telemetry')")[0]
    return {
        "bytes_per_frame": rows / frames,
        "columnstore_bytes_per_frame": columns / frames,
        "table": "hypertable",
        "frames": frames,
    }
