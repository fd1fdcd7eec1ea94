/** A server under strace: calls of the kernel recorded, or made to fail. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { filesOf } from '../../crash/database-files.ts';
import { until } from '../../crash/until.ts';

/** strace itself is the grandchild (`-D`), so that the process that was started is the server's. */
const STRACE = ['strace', '-D', '-f', '--seccomp-bpf', '-y', '-ttt', '-q'];
const SYNCS = 'fsync,fdatasync';

/** Why strace cannot be used here; undefined where it can. */
export function straceMissing(): string | undefined {
  const { status, error } = spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true']);
  if (status === 0) return undefined;
  return `needs strace, which ${error === undefined ? 'may not trace here' : 'is not installed'}`;
}

/** A fault of the disk. */
export interface Fault {
  readonly call: 'write' | 'sync';
  readonly error: 'EIO' | 'ENOSPC';
  /** Which of the calls to the database's files fails, from 1. */
  readonly nth: number;
  /** All that come after it fail as well. */
  readonly lasting: boolean;
}

/** What starts a program whose disk fails; the calls are recorded in `output`. */
export function failing(database: string, { call, error, nth, lasting }: Fault, output: string): readonly string[] {
  const calls = call === 'write' ? 'pwrite64' : SYNCS;
  const paths = filesOf(database).flatMap((path) => ['-P', path]);
  const inject = `inject=${calls}:error=${error}:when=${nth}${lasting ? '+' : ''}`;
  return [...STRACE, '-o', output, ...paths, '-e', `trace=${calls}`, '-e', inject, '--'];
}

/** What starts a program whose writes and syncs of a database are recorded in `output`, with the bytes. */
export function recording(database: string, output: string): readonly string[] {
  const paths = filesOf(database).flatMap((path) => ['-P', path]);
  const calls = `pwrite64,ftruncate,${SYNCS}`;
  return [...STRACE, '-o', output, ...paths, '-xx', '-s', '70000', '-e', `trace=${calls}`, '--'];
}

/** A line of a trace. */
export interface TracedCall {
  /** Milliseconds since 1970, at its begin. */
  readonly at: number;
  readonly name: string;
  readonly path: string;
  /** What stands behind the file in the parentheses. */
  readonly rest: string;
  readonly injected: boolean;
}

/** A trace that is complete, because the process it is of has ended. */
export interface Trace {
  readonly calls: readonly TracedCall[];
  /** Milliseconds since 1970 at which the process ended. */
  readonly endedAt: number;
}

const LINE = /^\d+ +(\d+\.\d+) (?:<\.\.\. )?(\w+)(?:\(| resumed>)(?:\d+<(.*?)>)?(?:, )?(.*)$/;

/** Reads the trace of a process that has ended. A call that another thread's interrupted counts from its begin. */
export async function readTrace(output: string, { pid }: { readonly pid: number }): Promise<Trace> {
  const end = new RegExp(`^${pid} +(\\d+\\.\\d+) \\+\\+\\+ `, 'm');
  const text = await until('strace to write its last line', () => {
    const written = existsSync(output) ? readFileSync(output, 'latin1') : '';
    return end.test(written) ? written : undefined;
  });
  const lines = text.trimEnd().split('\n');
  const calls = lines.flatMap((line, index): TracedCall[] => {
    if (line.includes(' +++ ') || line.includes(' --- ') || line.includes('<... ')) return [];
    const [, seconds, name, file = '', rest = ''] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const isCut = rest.endsWith('<unfinished ...>');
    const whole = isCut ? lines.slice(index + 1).find((other) => other.includes(`<... ${name} resumed>`)) : line;
    return [
      {
        at: Number(seconds) * 1_000,
        name,
        path: bytesOf(file)?.toString('utf8') ?? file,
        rest,
        injected: whole?.includes('(INJECTED)') === true,
      },
    ];
  });
  return { calls, endedAt: Number(end.exec(text)?.[1]) * 1_000 };
}

/** The bytes that strace wrote as `\x12\xab` (with `-xx` also names); undefined where the text is something else. */
export function bytesOf(text: string): Buffer | undefined {
  return text.startsWith('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : undefined;
}
