/** What most scenarios are made of: machines that note in their context, and tell by emitting, which actions ran in which order. */
import {
  assign,
  createMachine,
  emit,
  type AnyActorLogic,
  type AnyStateMachine,
  type MachineConfig,
  type MetaObject,
  type ParameterizedObject,
  type ProvidedActor,
} from 'xstate';
import { send, type Step } from './scenario.ts';

/** An event with whatever it carries. */
export interface Heard {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What is noted. */
export interface Notes {
  readonly log: readonly string[];
  readonly count: number;
}

/** Nothing noted yet. */
export const nothing: Notes = { log: [], count: 0 };

/** Actions of these machines. */
export const noteActions = {
  /** Notes a text. */
  note: assign({ log: ({ context }: { context: Notes }, { text }: { text: string }) => [...context.log, text] }),
  /** Notes the type of the event that the action sees. */
  heard: assign({
    log: ({ context, event }: { context: Notes; event: Heard }) => [...context.log, event.type],
  }),
  /** Adds what the event carries, or one. */
  add: assign({
    count: ({ context, event }: { context: Notes; event: Heard }) => context.count + Number(event['by'] ?? 1),
  }),
  /** Emits a text, with the count as it stands. */
  say: emit(({ context }: { context: Notes }, { text }: { text: string }) => ({
    type: 'said',
    text,
    count: context.count,
  })),
};

/** Guards of these machines. */
export const noteGuards = {
  atLeast: ({ context }: { context: Notes }, { least }: { least: number }) => context.count >= least,
  carries: ({ event }: { event: Heard }, { name }: { name: string }) => name in event,
};

/** A configuration whose functions see notes and events; names of states, actions and actors are checked by XState when it runs. */
type Config = Omit<StrictConfig, 'output'> & {
  readonly output?: ((given: { readonly context: Notes; readonly event: Heard }) => unknown) | Value;
};
type Value = string | number | boolean | null | { readonly [key: string]: unknown };
type StrictConfig = MachineConfig<
  Notes,
  Heard,
  ProvidedActor,
  ParameterizedObject,
  ParameterizedObject,
  string,
  string,
  unknown,
  unknown,
  Heard,
  MetaObject
>;

/** What a machine may use besides noting. */
export interface Parts {
  readonly actors?: Readonly<Record<string, AnyActorLogic>>;
  readonly actions?: Readonly<Record<string, unknown>>;
  readonly guards?: Readonly<Record<string, unknown>>;
  readonly delays?: Readonly<Record<string, unknown>>;
}

/** Machines that note, and use `parts`. */
export function notingWith(parts: Parts): { createMachine(config: Config): AnyStateMachine } {
  const implementations = {
    ...parts,
    actions: { ...noteActions, ...parts.actions },
    guards: { ...noteGuards, ...parts.guards },
  };
  return { createMachine: (config) => createMachine(config as never, implementations as never) };
}

/** A machine that notes. */
export const noting = notingWith({});

/** Notes `text`. */
export const note = (text: string) => ({ type: 'note', params: { text } }) as const;
/** Emits `text`. */
export const say = (text: string) => ({ type: 'say', params: { text } }) as const;
/** Notes and emits, on entry and exit of the state `name`. */
export const inAndOut = (name: string) => ({ entry: [note(`+${name}`)], exit: [note(`-${name}`)] });
/** Holds once the count is `least`. */
export const atLeast = (least: number) => ({ type: 'atLeast', params: { least } }) as const;
/** A step that sends an event which carries something. */
export const told = (type: string, carries: Readonly<Record<string, unknown>>): Step => ({
  send: { type, ...carries },
});

export { send };
