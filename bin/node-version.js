// Plain JavaScript for whatever Node there is: what comes after needs a newer one.

/** The oldest Node that strips types from TypeScript by itself. */
export const OLDEST = [22, 18];

/** True where this process can run the project. */
export function isNewEnough(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
