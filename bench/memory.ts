/** Memory as it is once the garbage is gone. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of live objects. */
export function liveBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
