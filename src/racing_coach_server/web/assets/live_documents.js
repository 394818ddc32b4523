/**
 * What the pit wall is sent: the models of `racing_coach_core.web_live`, as far as the page uses them.
 *
 * @typedef {object} RigLap
 * @property {string} lap_id
 * @property {number} lap_number
 * @property {number | null} lap_time s
 * @property {boolean} is_valid
 * @property {string} received_at
 * @property {number | null} answer_ms
 * @property {boolean} is_best
 * @property {number | null} delta_s
 * @property {import("./documents.js").Coaching | null} coaching
 *
 * @typedef {object} Rig
 * @property {string} rig_id
 * @property {boolean | null} online null while it is not known
 * @property {string | null} online_since
 * @property {string | null} driver_name
 * @property {string | null} track_name
 * @property {string | null} track_config_name
 * @property {string | null} car_name
 * @property {number | null} session_best_s
 * @property {number | null} best_s
 * @property {string | null} best_lap_id
 * @property {RigLap[]} laps newest first
 *
 * @typedef {object} Heartbeat
 * @property {"healthy" | "degraded"} status
 * @property {string} timestamp
 * @property {number} uptime_s
 * @property {{status: string, latency_ms: number | null, message: string | null}} database
 * @property {{received: number, stored: number, duplicate: number, rejected: number, in_flight: number}} laps
 * @property {number} rss_bytes
 * @property {Record<string, {done: number, failed: number, behind: number}>} features
 *
 * @typedef {object} Daemon
 * @property {string} instance
 * @property {boolean} online
 * @property {string} version
 * @property {string} said_at
 * @property {Heartbeat | null} heartbeat
 * @property {boolean} is_late
 *
 * @typedef {object} Rejection
 * @property {number} id
 * @property {string | null} rig_id
 * @property {string} topic
 * @property {string} reason
 * @property {number} times_received
 * @property {string} last_received_at
 *
 * @typedef {{reachable: boolean, since: string, message: string | null}} Source
 *
 * @typedef {object} PitWall
 * @property {string} made_at
 * @property {Rig[]} rigs
 * @property {Daemon[]} daemons
 * @property {Rejection[]} rejected
 * @property {{broker: Source, database: Source}} sources
 */

export {};
