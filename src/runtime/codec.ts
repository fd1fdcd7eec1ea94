/**
 * Values as text, and back.
 *
 * Owns: the form in which events, snapshots, results and inputs are stored.
 * C1. What JSON cannot carry is kept by a tag (`{"$fermata": "date", …}`) or refused with its path. Nothing is dropped in silence (R7).
 * C2. Over 16 KB a value is stored once, under the hash of its text, and referred to (R11).
 * C3. Nothing is revived into anything but the types listed here: stored text can never become code or a class of the user.
 */
import { hash as digest } from 'node:crypto';
import { FermataError } from '../errors.ts';

/** Texts longer than this are stored once and referred to. */
export const BIG = 16_384;
const TAG = '$fermata';
const MAX_DEPTH = 200;
/** Holes of a list. Each is written out, and a list without end costs whoever makes it nothing: the process would stand still over it. */
const MAX_HOLES = 1_000;
/** What the runtime's own records (a row, an agenda) may put around a value that was checked. */
const WRAPPING = 20;

/** Takes the big values that an encoding sets aside. */
export interface BlobSink {
  add(hash: string, text: string): void;
}

/** How references to actors are written and read; without one they are refused. */
export interface RefCodec {
  write(value: object): { readonly address: string; readonly birth: number } | undefined;
  read(address: string, birth: number): unknown;
}

/** A value that is written with commit after commit and does not change: its text is made once, and stored once. */
export class Aside {
  /** As it stands in what refers to it. */
  readonly reference: object;
  readonly #texts = new Map<string, string>();

  /** Throws `notSerializable`. */
  constructor(value: unknown, where: string, refs?: RefCodec) {
    const blobs: BlobSink = { add: (hash, text) => void this.#texts.set(hash, text) };
    this.reference = reference(JSON.stringify(named(where, () => plain(value, 0, refs, blobs))), blobs);
  }

  /** Gives what is set aside: its text, and big values that are in it. */
  giveTo(blobs: BlobSink): void {
    for (const [hash, text] of this.#texts) blobs.add(hash, text);
  }
}

/** Checks that `value` can be stored; throws `notSerializable` naming the first path that cannot. */
export function assertStorable(value: unknown, where: string, refs?: RefCodec): void {
  named(where, () => plain(value, WRAPPING, refs, undefined));
}

/** The text of `value`. Big parts go to `blobs`. Throws `notSerializable`. */
export function encode(value: unknown, where: string, blobs: BlobSink, refs?: RefCodec): string {
  const tree = named(where, () => plain(value, 0, refs, blobs));
  const text = JSON.stringify(tree);
  return text.length <= BIG ? text : setAside(tree, text, blobs);
}

/** The value of `text`. `blob` answers with a text set aside. */
export function decode(text: string, blob: (hash: string) => string, refs?: RefCodec): unknown {
  const tree: unknown = JSON.parse(text);
  return text.includes(`"${TAG}"`) ? revive(tree, blob, refs) : tree;
}

/** The hash under which a text is set aside. */
export function blobHash(text: string): string {
  return digest('sha256', text, 'base64url');
}

function setAside(tree: unknown, text: string, blobs: BlobSink): string {
  // What stands under a tag is not for anybody but `revive`: it is set aside whole.
  if (tree !== null && typeof tree === 'object' && !Array.isArray(tree) && !Object.hasOwn(tree, TAG)) {
    const parts = Object.entries(tree).map(([key, part]): [string, unknown] => {
      const partText = part === null || typeof part !== 'object' ? '' : JSON.stringify(part);
      return partText.length > BIG ? [key, reference(partText, blobs)] : [key, part];
    });
    const shorter = JSON.stringify(Object.fromEntries(parts));
    if (shorter.length <= BIG) return shorter;
  }
  return JSON.stringify(reference(text, blobs));
}

function reference(text: string, blobs: BlobSink): object {
  const hash = blobHash(text);
  blobs.add(hash, text);
  return { [TAG]: 'blob', hash };
}

/** Thrown where a value cannot be stored; its path grows on the way out, so that what can be stored pays nothing for it. */
class Refused {
  path = '';
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

function named<T>(where: string, walk: () => T): T {
  try {
    return walk();
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    const path = `${where}${thrown.path}`;
    const short = path.length > 200 ? `${path.slice(0, 200)}…` : path;
    throw new FermataError(
      'notSerializable',
      `${short} is ${thrown.what}, which cannot be stored. Keep plain data there (JSON, Date, Map, Set, Error, bigint, bytes).`,
      { data: { path: short } },
    );
  }
}

/** A JSON tree of `value`; the value itself wherever it is JSON already. */
function plain(value: unknown, depth: number, refs: RefCodec | undefined, blobs: BlobSink | undefined): unknown {
  switch (typeof value) {
    case 'string':
      return value.length <= BIG || blobs === undefined ? value : reference(JSON.stringify(value), blobs);
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { [TAG]: 'number', value: Object.is(value, -0) ? '-0' : String(value) };
    case 'undefined':
      return { [TAG]: 'undefined' };
    case 'bigint':
      return { [TAG]: 'bigint', value: String(value) };
    case 'object':
      return value === null ? null : plainObject(value, depth, refs, blobs);
    default:
      throw new Refused(`a ${typeof value}`);
  }
}

function plainObject(value: object, depth: number, refs: RefCodec | undefined, blobs: BlobSink | undefined): unknown {
  if (depth > MAX_DEPTH + WRAPPING) throw new Refused(`nested more than ${MAX_DEPTH} deep, or a cycle`);
  if (Array.isArray(value)) return plainArray(value, depth, refs, blobs);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null)
    return plainRecord(value as Record<string, unknown>, depth, refs, blobs);
  if (value instanceof Date)
    return { [TAG]: 'date', value: Number.isNaN(value.getTime()) ? 'invalid' : value.getTime() };
  if (value instanceof Map) return { [TAG]: 'map', value: plainArray([...value], depth, refs, blobs) };
  if (value instanceof Set) return { [TAG]: 'set', value: plainArray([...value], depth, refs, blobs) };
  if (value instanceof Error) return plainError(value, depth, refs, blobs);
  if (value instanceof Uint8Array) return { [TAG]: 'bytes', value: Buffer.from(value).toString('base64') };
  if (value instanceof Aside && blobs !== undefined) {
    value.giveTo(blobs);
    return value.reference;
  }
  const ref = refs?.write(value);
  if (ref !== undefined) return { [TAG]: 'actor', ...ref };
  throw new Refused(`an instance of ${value.constructor?.name ?? 'an unknown class'}`);
}

function plainArray(
  value: readonly unknown[],
  depth: number,
  refs: RefCodec | undefined,
  blobs: BlobSink | undefined,
): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const part = within(`[${i}]`, value[i], depth, refs, blobs);
    if (part !== value[i]) (copy ??= copyOf(value, i))[i] = part;
  }
  return copy ?? value;
}

/** Its first hole, which is at `from` or behind it, is the first that asks for a copy. */
function copyOf(value: readonly unknown[], from: number): unknown[] {
  let holes = 0;
  for (let i = from; i < value.length; i++)
    if (!(i in value) && ++holes > MAX_HOLES) throw new Refused(`a list with more than ${MAX_HOLES} holes`);
  return value.slice();
}

function plainRecord(
  record: Record<string, unknown>,
  depth: number,
  refs: RefCodec | undefined,
  blobs: BlobSink | undefined,
): unknown {
  let copy: Map<string, unknown> | undefined;
  for (const key in record) {
    const value = record[key];
    const type = typeof value;
    // Most values are short texts, booleans and null: no call for them.
    if (value === null || type === 'boolean' || (type === 'string' && (value as string).length <= BIG)) continue;
    const part = within(key, value, depth, refs, blobs);
    if (part !== value) (copy ??= new Map(Object.entries(record))).set(key, part);
  }
  if (Object.hasOwn(record, TAG)) return { [TAG]: 'object', value: [...(copy ?? Object.entries(record))] };
  return copy === undefined ? record : Object.fromEntries(copy);
}

function within(
  key: string,
  value: unknown,
  depth: number,
  refs: RefCodec | undefined,
  blobs: BlobSink | undefined,
): unknown {
  try {
    return plain(value, depth + 1, refs, blobs);
  } catch (thrown) {
    if (thrown instanceof Refused) thrown.path = `${key.startsWith('[') ? key : `.${key}`}${thrown.path}`;
    throw thrown;
  }
}

function plainError(error: Error, depth: number, refs: RefCodec | undefined, blobs: BlobSink | undefined): unknown {
  const own = Object.entries(error).filter(([key, part]) => key !== 'name' && typeof part !== 'function');
  const cause = error.cause instanceof Error ? { cause: plainError(error.cause, depth + 1, refs, blobs) } : {};
  return {
    [TAG]: 'error',
    name: error.name,
    message: error.message,
    own: plainRecord(Object.fromEntries(own), depth, refs, blobs),
    ...cause,
  };
}

function revive(tree: unknown, blob: (hash: string) => string, refs: RefCodec | undefined): unknown {
  if (tree === null || typeof tree !== 'object') return tree;
  const inner = (part: unknown): unknown => revive(part, blob, refs);
  if (Array.isArray(tree)) return tree.map(inner);
  const record = tree as Record<string, unknown>;
  const { value } = record;
  switch (Object.hasOwn(record, TAG) ? record[TAG] : undefined) {
    case undefined:
      return Object.fromEntries(Object.entries(record).map(([key, part]) => [key, inner(part)]));
    case 'blob':
      return decode(blob(String(record['hash'])), blob, refs);
    case 'undefined':
      return undefined;
    case 'number':
      return value === '-0' ? -0 : Number(value);
    case 'bigint':
      return BigInt(String(value));
    case 'date':
      return new Date(Number(value));
    case 'map':
      return new Map(inner(value) as [unknown, unknown][]);
    case 'set':
      return new Set(inner(value) as unknown[]);
    case 'bytes':
      return new Uint8Array(Buffer.from(String(value), 'base64'));
    case 'error':
      return reviveError(record, inner);
    case 'actor':
      return refs === undefined
        ? { address: record['address'], birth: record['birth'] }
        : refs.read(String(record['address']), Number(record['birth']));
    case 'object':
      return Object.fromEntries((value as [string, unknown][]).map(([key, part]) => [key, inner(part)]));
    default:
      throw new FermataError('databaseCorrupt', `A stored value has the unknown tag ${JSON.stringify(record[TAG])}.`);
  }
}

function reviveError(record: Record<string, unknown>, inner: (part: unknown) => unknown): Error {
  const error = new Error(String(record['message']), 'cause' in record ? { cause: inner(record['cause']) } : undefined);
  const own = inner(record['own']);
  Object.assign(error, { name: String(record['name']) }, typeof own === 'object' ? own : {});
  delete error.stack;
  return error;
}

/** An error as it will be read back, so that a machine decides the same live and in replay (R2). Anything may be thrown. */
export function portable(thrown: unknown): unknown {
  try {
    return decode(JSON.stringify(plain(thrown, 0, undefined, undefined)), () => '""');
  } catch {
    return new FermataError('actorFailed', thrown instanceof Error ? thrown.message : String(thrown));
  }
}
