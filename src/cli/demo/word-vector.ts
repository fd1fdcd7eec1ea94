/** Vectors of the scripted server: texts of the same words have the same one. No model of meaning, and none is claimed. */

const DIMENSIONS = 256;
/** What questions have in common whatever they ask. */
const COMMON = new Set(
  'a an and are be can do does for how i in is it me of on please tell the to us was what whats which who why with you'.split(
    ' ',
  ),
);

/**
 * The vector of a text: of each word a direction by its letters.
 *
 * @example
 * wordVector('What is tea?') // as that of 'What’s tea', and unlike that of 'What is coffee?'
 */
export function wordVector(text: string): number[] {
  const values = Array.from({ length: DIMENSIONS }, () => 0);
  const words = text
    .toLowerCase()
    .replaceAll(/['’]/g, '')
    .split(/[^\p{L}\p{N}]+/u);
  for (const word of words.some((one) => one !== '' && !COMMON.has(one))
    ? words.filter((one) => !COMMON.has(one))
    : words) {
    let hash = 2_166_136_261;
    for (const letter of word.replace(/s$/, '')) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
    // Four places for each, so that two words seldom share all of them.
    for (let place = 0; place < 4 && word !== ''; place++) {
      hash = Math.imul(hash ^ place, 16_777_619);
      const at = (hash >>> 8) % DIMENSIONS;
      values[at] = (values[at] ?? 0) + ((hash & 1) === 0 ? 1 : -1);
    }
  }
  return values.some((value) => value !== 0) ? values : values.with(0, 1);
}
