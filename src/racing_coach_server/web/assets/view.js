/**
 * What is looked at of a lap, or of many laps: one cursor and one stretch, shared by all plots, the map and the tables.
 *
 * Whoever moves it calls `moveTo` or `show`; whoever draws it hears of it at most once a frame.
 */

/**
 * @typedef {object} Stretch
 * @property {number} from index into the lap's places
 * @property {number} to index, included
 */

const SHORTEST = 20;

export class View {
  /**
   * @param {number} length how many places there are
   * @param {number} [shortest] a stretch is never shorter than so many
   */
  constructor(length, shortest = SHORTEST) {
    this.shortest = shortest;
    this.last = length - 1;
    /** @type {number | null} */
    this.cursor = null;
    /** @type {Stretch} */
    this.stretch = { from: 0, to: this.last };
    /** @type {((cursor: number | null) => void)[]} */
    this.cursorListeners = [];
    /** @type {((stretch: Stretch) => void)[]} */
    this.stretchListeners = [];
    this.cursorMoved = false;
    this.stretchMoved = false;
    this.isAwaitingFrame = false;
  }

  /** @param {(cursor: number | null) => void} listener */
  onCursor(listener) {
    this.cursorListeners.push(listener);
  }

  /** @param {(stretch: Stretch) => void} listener */
  onStretch(listener) {
    this.stretchListeners.push(listener);
  }

  get isWhole() {
    return this.stretch.from === 0 && this.stretch.to === this.last;
  }

  /**
   * Puts the cursor at a place, or nowhere.
   *
   * @param {number | null} index
   */
  moveTo(index) {
    const cursor = index === null ? null : clamp(Math.round(index), 0, this.last);
    if (cursor === this.cursor) return;
    this.cursor = cursor;
    this.cursorMoved = true;
    this.#awaitFrame();
  }

  /**
   * Moves the cursor by so many places; from the middle where there is none. The stretch follows it.
   *
   * @param {number} places
   */
  moveBy(places) {
    const { from, to } = this.stretch;
    this.moveTo((this.cursor ?? Math.round((from + to) / 2)) + places);
    const cursor = /** @type {number} */ (this.cursor);
    if (cursor < from) this.show(cursor, cursor + (to - from));
    if (cursor > to) this.show(cursor - (to - from), cursor);
  }

  /**
   * Shows a stretch; as much of it as the lap has.
   *
   * @param {number} from
   * @param {number} to
   */
  show(from, to) {
    const length = clamp(Math.round(to - from), Math.min(this.shortest, this.last), this.last);
    const start = clamp(Math.round(from), 0, this.last - length);
    if (start === this.stretch.from && start + length === this.stretch.to) return;
    this.stretch = { from: start, to: start + length };
    this.stretchMoved = true;
    this.#awaitFrame();
  }

  showAll() {
    this.show(0, this.last);
  }

  /**
   * Makes the stretch so many times as long, about the cursor or its middle.
   *
   * @param {number} factor under 1 to see more of less
   * @param {number} [about]
   */
  zoom(factor, about) {
    const { from, to } = this.stretch;
    const isSeen = this.cursor !== null && this.cursor >= from && this.cursor <= to;
    const centre = about ?? (isSeen ? /** @type {number} */ (this.cursor) : (from + to) / 2);
    this.show(centre - (centre - from) * factor, centre + (to - centre) * factor);
  }

  #awaitFrame() {
    if (this.isAwaitingFrame) return;
    this.isAwaitingFrame = true;
    requestAnimationFrame(() => {
      this.isAwaitingFrame = false;
      if (this.stretchMoved) for (const listener of this.stretchListeners) listener(this.stretch);
      if (this.cursorMoved || this.stretchMoved) for (const listener of this.cursorListeners) listener(this.cursor);
      this.stretchMoved = this.cursorMoved = false;
    });
  }
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}
