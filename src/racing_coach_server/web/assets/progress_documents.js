/**
 * What a driver's progress is: the models of `racing_coach_core.web_laps`, as far as the page uses them.
 *
 * @typedef {object} Choice
 * @property {string} driver
 * @property {string} driver_name
 * @property {string} track_id
 * @property {string} track_name
 * @property {string | null} track_config_name
 * @property {string} car_id
 * @property {string} car_name
 *
 * @typedef {{laps: number, best_s: number, median_s: number, spread_s: number | null}} Spread
 * @typedef {{session_id: string | null, from_at: string, to_at: string, lap_time: Spread | null}} Stretch
 *
 * @typedef {object} ProgressLap
 * @property {string} lap_id
 * @property {string} session_id
 * @property {number} lap_number
 * @property {string} driven_at
 * @property {number | null} lap_time s
 * @property {boolean} is_reference
 *
 * @typedef {object} ProgressCorner
 * @property {number} number
 * @property {string | null} name
 * @property {(number | null)[]} times_s
 * @property {(number | null)[]} min_speeds
 * @property {Spread | null} spread
 *
 * @typedef {Choice & {laps: ProgressLap[], sessions: Stretch[], days: Stretch[], corners: ProgressCorner[],
 *   theoretical_best_s: number | null, has_more: boolean}} Progress
 */

export {};
