/**
 * Columns of numbers as the API packs them: base64 of little endian integers, the lowest of which stands for none.
 *
 * @typedef {{dtype: "int16" | "int32", scale: number, offset: number, data: string}} Packed
 */

/** @typedef {(number | null)[]} Column */

const LOWEST = { int16: -(2 ** 15), int32: -(2 ** 31) };
const ARRAYS = { int16: Int16Array, int32: Int32Array };

/**
 * The numbers of a packed column; null where there is none, which is what uPlot draws as a gap.
 *
 * @param {Packed | null | undefined} packed
 * @param {number} [factor] what they are multiplied by, to be shown in another unit
 * @returns {Column | null}
 */
export function unpack(packed, factor = 1) {
  if (!packed) return null;
  const raw = new ARRAYS[packed.dtype](bytesOf(packed.data).buffer);
  const lowest = LOWEST[packed.dtype];
  const scale = packed.scale * factor;
  const offset = packed.offset * factor;
  /** @type {Column} */
  const values = new Array(raw.length);
  for (let index = 0; index < raw.length; index += 1) values[index] = raw[index] === lowest ? null : raw[index] * scale + offset;
  return values;
}

/** @param {string} base64 */
function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
