/**
 * What the API answers, as far as the pages use it: the models of `racing_coach_core`, web_laps, web_live and web_views.
 *
 * @typedef {import("./columns.js").Packed} Packed
 *
 * @typedef {object} LapRow
 * @property {string} lap_id
 * @property {string} session_id
 * @property {number} lap_number
 * @property {number | null} lap_time s
 * @property {boolean} is_valid
 * @property {string} rig_id
 * @property {string} driver
 * @property {string} driver_name
 * @property {string} track_id
 * @property {string} track_name
 * @property {string | null} track_config_name
 * @property {string} car_id
 * @property {string} car_name
 * @property {string} received_at
 *
 * @typedef {{against: string, lap: LapRow | null, lap_time: number | null}} ReferenceChoice
 * @typedef {{unit: string, lap: Packed | null, reference: Packed | null}} ChannelPair
 * @typedef {{x: Packed, y: Packed}} PackedPath
 *
 * @typedef {object} CornerMeasures
 * @property {{entry_speed: number | null, min_speed: number | null, exit_speed: number | null, gear: number | null}} cornering m/s
 *
 * @typedef {object} ViewCorner
 * @property {number} number
 * @property {string | null} name
 * @property {number} start_pct
 * @property {number} apex_pct
 * @property {number} end_pct
 * @property {CornerMeasures | null} lap
 * @property {CornerMeasures | null} reference
 * @property {number | null} loss_s
 * @property {number | null} entry_s
 * @property {number | null} middle_s
 * @property {number | null} exit_s
 * @property {number | null} straight_s
 * @property {string | null} excluded
 *
 * @typedef {object} Advice
 * @property {string} key
 * @property {number | null} corner
 * @property {number} at_pct
 * @property {number} from_pct
 * @property {number} to_pct
 * @property {number} loss_s
 * @property {number} gain_s
 * @property {number} gain_s_low
 * @property {number} confidence
 * @property {number} laps_seen
 * @property {number} laps_looked_at
 * @property {Record<string, [number | null, number | null]>} evidence
 * @property {string} text
 *
 * @typedef {object} Coaching
 * @property {{lap_id: string, lap_time: number, rule: string} | null} reference
 * @property {number | null} delta_s
 * @property {Advice[]} advice
 * @property {{corner: number | null, text: string, gain_s: number}[]} praise
 * @property {string | null} silence_text
 *
 * @typedef {object} LapView
 * @property {LapRow} lap
 * @property {string} against
 * @property {{rule: string, lap: LapRow | null, lap_time: number} | null} reference
 * @property {string | null} no_reference
 * @property {ReferenceChoice[]} references
 * @property {{n: number, length_m: number, step_m: number} | null} grid
 * @property {string | null} no_grid
 * @property {Record<string, ChannelPair>} channels
 * @property {ChannelPair | null} time
 * @property {Packed | null} delta_s
 * @property {number | null} delta_total_s
 * @property {PackedPath | null} path
 * @property {PackedPath | null} reference_path
 * @property {ViewCorner[]} corners
 * @property {{segment: {start_pct: number, end_pct: number}, loss_s: number}[]} deltas
 * @property {{from_pct: number, to_pct: number, reason: string}[]} exclusions
 * @property {Coaching | null} coaching
 * @property {string | null} coaching_missing
 */

export {};
