/** References to actors that are only looked at: they can be told apart, not sent to. */
import type { Refer } from './actor.ts';
import * as xstate from './xstate.ts';

export const inert: Refer = ({ address, birth }) =>
  new xstate.ActorReference(
    { address, birth, id: decodeURIComponent(address.slice(address.lastIndexOf('/') + 1)), src: '' },
    () => {},
  );
