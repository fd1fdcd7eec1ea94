/** A workflow document in a file: its text, and where in it a fault is. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { FermataError } from '../errors.ts';

/** A document as it was read, not yet checked. */
export interface DocumentFile {
  /** As the caller named it. */
  readonly name: string;
  /** JSON or YAML. */
  readonly text: string;
}

/** What is wrong at one place of a document, as the API says it. */
interface Fault {
  readonly path: string;
  readonly message: string;
}

/**
 * Reads a document.
 *
 * @throws FermataError `invalidRequest` where the file cannot be read
 */
export async function readDocumentFile(name: string, directory: string): Promise<DocumentFile> {
  try {
    return { name, text: await readFile(resolve(directory, name), 'utf8') };
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new FermataError(
      'invalidRequest',
      `${name} cannot be read (${reason}): name a file that holds a workflow document in YAML or JSON.`,
      { cause },
    );
  }
}

/**
 * Each fault as a line that editors can follow: `FILE:LINE:COLUMN: PATH: MESSAGE`. A path that the text does not have
 * (a missing field) is shown where it is missing.
 *
 * @example
 * faultLines({ name: 'a.yaml', text: 'name: 5' }, [{ path: 'name', message: 'expected a text' }])
 * // ['a.yaml:1:1: name: expected a text']
 */
export function faultLines({ name, text }: DocumentFile, faults: readonly Fault[]): string[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return faults.map(({ path, message }) => {
    // Faults of syntax carry their place themselves, and say it again in words.
    if (/^\d+:\d+$/.test(path)) return `${name}:${path}: ${message.replace(/^line \d+, column \d+: /, '')}`;
    const { line, col } = lines.linePos(offsetOf(document.contents, stepsOf(path)));
    return `${name}:${line}:${col}: ${path === '' ? message : `${path}: ${message}`}`;
  });
}

/** Offset of the key or item at the path, or of the nearest one around it. */
function offsetOf(root: unknown, steps: readonly string[]): number {
  let node = root;
  let offset = startOf(root) ?? 0;
  for (const step of steps) {
    let start: number | undefined;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : undefined) === step);
      start = startOf(pair?.key);
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      start = startOf(node);
    }
    if (start === undefined) return offset;
    offset = start;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** `tasks[2].metadata["my key"]` → `tasks`, `2`, `metadata`, `my key`. */
function stepsOf(path: string): string[] {
  return [...path.matchAll(/\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, quoted, index, name]) =>
    quoted === undefined ? (index ?? name ?? '') : String(JSON.parse(quoted)),
  );
}
