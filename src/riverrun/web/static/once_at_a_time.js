/** Deeds that take a moment, and are asked for by impatient clicks. */

/** The same deed, never twice at a time: a second click while it is under way does nothing. */
export function onceAtATime(deed) {
  let isUnderWay = false;
  return async (...given) => {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      await deed(...given);
    } finally {
      isUnderWay = false;
    }
  };
}
