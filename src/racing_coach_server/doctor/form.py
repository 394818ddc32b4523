"""Which form the database has: one server, or several that Citus makes one of; and how the rows lie on them."""

import json
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_core.findings import Report
from racing_coach_server.database.cluster import Cluster, look
from racing_coach_server.tables import metadata

_SUBJECT: Final = "form"
_SPREAD: Final = text(
    "select nodename || ':' || nodeport, count(*), pg_size_pretty(coalesce(sum(shard_size), 0)) from citus_shards"
    " where citus_table_type = 'distributed' group by 1 order by 1"
)
_LACKING: Final = text(
    "select count(*) from citus_shards join pg_dist_partition on logicalrelid = table_name"
    " where citus_table_type = 'reference' and partmethod = 'n' group by table_name"
    " having count(*) < (select count(*) from pg_dist_node where noderole = 'primary') limit 1"
)
_ON_NODES: Final = text("select nodename || ':' || nodeport, success, result from"
                        " run_command_on_all_nodes(:question) join pg_dist_node using (nodeid)")  # fmt: skip
_DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")
_QUESTION: Final = "select json_build_object({})".format(
    ", ".join(f"'{name}', current_setting('{name}')" for name in (*_DURABLE, "wal_level", "citus.recover_2pc_interval"))
)
_RECOVERS_S: Final = 15


async def examine_form(connection: AsyncConnection, report: Report) -> None:
    """Say which form it is; and of a distributed one, whether each node and each table is as it should be."""
    cluster = await look(connection)
    if cluster.citus is None:
        report.good(_SUBJECT, "one server")
        return
    if not cluster.is_distributed:
        report.advice(
            _SUBJECT,
            f"Citus {cluster.citus} is there, and all rows are on this server",
            "run `racing-coach db distribute`",
        )
        return
    role = "a worker" if cluster.is_worker else "the coordinator"
    report.good(_SUBJECT, f"distributed by Citus {cluster.citus} on {len(cluster.nodes)} nodes; this one is {role}")
    _nodes(cluster, report)
    _tables(cluster, report)
    await _spread(connection, report)
    await _settings(connection, report)


def _nodes(cluster: Cluster, report: Report) -> None:
    for node in cluster.nodes:
        if not node.is_ready:
            report.bad("nodes", f"{node} is not active", f"select citus_activate_node('{node.host}', {node.port})")


def _tables(cluster: Cluster, report: Report) -> None:
    lacking = sorted(metadata.tables.keys() - cluster.places.keys())
    if lacking:
        remedy = "run `racing-coach db distribute` at the coordinator"
        report.bad("tables", f"on the coordinator only: {', '.join(lacking)}", remedy)
    else:
        report.good("tables", f"{len(metadata.tables)} where they belong")


async def _spread(connection: AsyncConnection, report: Report) -> None:
    for node, shards, size in await connection.execute(_SPREAD):
        report.good("shards", f"{node} has {shards}, {size}")
    if (await connection.execute(_LACKING)).first() is not None:
        report.advice("small tables", "a node does not have them yet", "select replicate_reference_tables()")


async def _settings(connection: AsyncConnection, report: Report) -> None:
    """Every node keeps a part of each lap, so each must keep what it has acknowledged."""
    for node, success, result in await connection.execute(_ON_NODES, {"question": _QUESTION}):
        if not success:
            report.bad("nodes", f"{node} does not answer: {result}", "no lap is stored until it does")
            continue
        settings = json.loads(result)
        for name in _DURABLE:
            if settings[name] == "off":
                report.bad(name, f"off at {node}: its part of an answered lap may be gone", f"set {name} = on there")
        if settings["wal_level"] != "logical":
            report.advice("wal_level", f"{settings['wal_level']} at {node}: shards cannot move while laps come",
                          "set wal_level = logical there, and restart it")  # fmt: skip
        if _seconds(settings["citus.recover_2pc_interval"]) > _RECOVERS_S:
            report.advice(
                "recovery",
                f"{node} finishes what a lost node left half committed after {settings['citus.recover_2pc_interval']}",
                "set citus.recover_2pc_interval = '10s' there",
            )


def _seconds(interval: str) -> float:
    """An interval as `current_setting` shows it."""
    number = float("".join(c for c in interval if c.isdigit() or c == "."))
    return number * {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}[interval.lstrip("0123456789.")]
