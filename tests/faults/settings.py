"""Settings under which a daemon and a rig notice and retry soon enough for a test."""

KEEPALIVE_S = 5
"""The shortest that our settings allow. A broker gives a client one and a half times as long."""

QUICK_DAEMON: dict[str, object] = {
    "MQTT__KEEPALIVE_S": KEEPALIVE_S,
    "MQTT__TIMEOUT_S": 3,
    "HEALTH__INTERVAL_S": 1,
    "HEALTH__DATABASE_TIMEOUT_S": 2,
    "DATABASE__CONNECT_TIMEOUT_S": 3,
    "DATABASE__COMMAND_TIMEOUT_S": 5,
    "DELIVERY__RETRY_CAP_S": 2,
    "DELIVERY__STOP_GRACE_S": 5,
    "DELIVERY__WASTE_S": 2,
    "FOLLOWERS__CATCH_UP_S": 5,
    "FOLLOWERS__RETRY_CAP_S": 2,
    # Less than a JSON lap, so that the daemon often stops reading.
    "DELIVERY__BUDGET__BYTES": 1_000_000,
}
QUICK_RIG: dict[str, object] = {
    "MQTT__KEEPALIVE_S": KEEPALIVE_S,
    "MQTT__TIMEOUT_S": 3,
    "SENDING__ANSWER_TIMEOUT_S": 2,
    "SENDING__ANSWER_TIMEOUT_CAP_S": 6,
}
