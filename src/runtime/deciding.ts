/**
 * Which mark stands while something is being decided: the same one when the same thing comes again after a crash.
 *
 * What comes from outside is known by its id or by what it says; what comes from a row by the token or number of that
 * row; the rest of a cascade by the journal number at which it goes on.
 */
import { hash } from 'node:crypto';
import type { DecidingMark } from '../store/deciding-mark.ts';
import type { EffectRow } from '../store/effects.ts';
import type { RunKey } from '../store/runs.ts';
import { WRITE_REFS } from './actor.ts';
import { encode } from './codec.ts';
import type { Input } from './input.ts';

/** A start that comes again makes another run: it is known by its request. */
const NO_RUN = '';
const DECIDING = 'while it decided';

/** The mark of an input. */
export function markOfInput({ tenant, run }: RunKey, input: Input): DecidingMark {
  switch (input.kind) {
    case 'start':
      return markOfStart(tenant, input.fingerprint, input.origin.machine);
    case 'event': {
      const { messageId, to, event } = input;
      const known = messageId === undefined ? fingerprint([to, event]) : fingerprint([messageId]);
      return {
        tenant,
        run,
        key: `event/${known}`,
        what: `${DECIDING} the event ${JSON.stringify(event.type)} from outside`,
      };
    }
    case 'cancel':
      return { tenant, run, key: 'cancel', what: `${DECIDING} its cancellation` };
    case 'migrate':
    case 'undoMigration':
      return { tenant, run, key: input.kind, what: `${DECIDING} its move to another version of its machine` };
    case 'outcome':
    case 'notice': {
      const { token, id, kind } = input;
      return { tenant, run, key: `${kind}/${token}`, what: `${DECIDING} the ${kind} of ${JSON.stringify(id)}` };
    }
    case 'timer':
      return {
        tenant,
        run,
        key: `timer/${input.row.token}`,
        what: `${DECIDING} a timer of actor "${input.row.source}"`,
      };
    case 'message':
      return { tenant, run, key: `message/${input.row.id}`, what: `${DECIDING} a message of run ${input.row.fromRun}` };
    case 'inDoubt':
    case 'unavailable':
    case 'mark': {
      const { token, src } = input.row;
      return { tenant, run, key: `${input.kind}/${token}`, what: `${DECIDING} what comes before "${src}" is called` };
    }
    case 'fact':
      return { tenant, run, key: `fact/${input.type}`, what: `${DECIDING} the fact ${JSON.stringify(input.type)}` };
    case 'goOn':
      return { tenant, run, key: 'goOn', what: `${DECIDING} how it goes on` };
  }
}

/** The mark of a start. */
export function markOfStart(tenant: string, request: string, machine: string): DecidingMark {
  return { tenant, run: NO_RUN, key: `start/${request}`, what: `${DECIDING} the start of a run of ${machine}` };
}

/** The mark of a cascade that an earlier group was cut in. */
export function markOfCascade({ tenant, run }: RunKey, seq: number): DecidingMark {
  return { tenant, run, key: `goOn/${seq}`, what: `${DECIDING} what follows journal entry ${seq}` };
}

/** The mark of an effect that runs in this process. */
export function markOfEffect({ tenant, run, token, src, actor }: EffectRow): DecidingMark {
  return { tenant, run, key: effectKey(token), what: `while the effect "${src}" of actor "${actor}" ran in it` };
}

/** Key of an effect among what is suspected of its run. */
export function effectKey(token: string): string {
  return `effect/${token}`;
}

/** The same for the same values. */
export function fingerprint(values: readonly unknown[]): string {
  return hash('sha256', textOf(values), 'base64url');
}

function textOf(values: readonly unknown[]): string {
  try {
    return encode(values, 'value', { add: () => {} }, WRITE_REFS);
  } catch {
    // It will be refused where it is taken. Until then it needs a name, and nothing more.
    return 'not serializable';
  }
}
