/** The soak's own rules: shares of the time, seeds of failures, needs that are missing. */
import { expect, it } from 'vitest';
import { passed, soak, type SoakOptions } from './soak.ts';
import type { Trial } from './trial.ts';

/** Trials that take `ms` each by the clock that `options` reads, and fail with the seeds `bad`. */
function sceneOf() {
  let time = 0;
  const printed: string[] = [];
  const seeds: string[] = [];
  const kind = (name: string, ms: number, more: Partial<Trial> & { readonly bad?: readonly number[] } = {}): Trial => ({
    name,
    missing: () => undefined,
    run(seed) {
      time += ms;
      seeds.push(`${name} ${seed}`);
      if (more.bad?.includes(seed) === true) return Promise.reject(new RangeError('expected 1, came 2'));
      return Promise.resolve({ done: 2 });
    },
    ...more,
  });
  const options: Omit<SoakOptions, 'kinds'> = {
    seed: 7,
    minutes: 1,
    isCi: true,
    now: () => time,
    print: (line) => printed.push(line),
  };
  return { kind, options, printed, seeds };
}

it('gives each kind its share of the time, and adds up what they count', async () => {
  const { kind, options, printed } = sceneOf();
  const kinds = [kind('long', 10_000), kind('short', 1_000), kind('twice', 1_000, { weight: 2 })];
  const reports = await soak({ ...options, kinds });
  expect(reports.map(({ name, ms }) => [name, ms])).toEqual([
    ['long', 20_000],
    ['short', 14_000],
    ['twice', 26_000],
  ]);
  expect(printed).toContain('short: 14 trials in 14 s, 28 done');
  expect(reports.every((report) => passed(report, true))).toBe(true);
});

it('says kind and seed of a failure, with which it comes back alone', async () => {
  const { kind, options, printed, seeds } = sceneOf();
  const kinds = [kind('good', 5_000), kind('bad', 5_000, { bad: [8] })];
  const reports = await soak({ ...options, kinds, trials: 3 });
  expect(reports.map((report) => passed(report, true))).toEqual([true, false]);
  expect(printed.join('\n')).toContain('--only bad --seed 8 --trials 1');
  expect(printed.join('\n')).toContain('expected 1, came 2');
  seeds.length = 0;
  const again = await soak({ ...options, kinds: kinds.slice(1), seed: 8, trials: 1 });
  expect([seeds, again[0]?.failures.length]).toEqual([['bad 8'], 1]);
});

it('stops a kind that fails every time', async () => {
  const { kind, options } = sceneOf();
  const [report] = await soak({
    ...options,
    kinds: [kind('bad', 1, { bad: Array.from({ length: 99 }, (_, n) => n) })],
  });
  expect(report?.trials).toBe(5);
});

it('a kind that lacks something is a remark on a laptop and a failure in CI', async () => {
  const { kind, options, printed, seeds } = sceneOf();
  const [report] = await soak({ ...options, kinds: [kind('traced', 1, { missing: () => 'strace is not here' })] });
  if (report === undefined) return expect.fail('a kind without a report');
  expect([passed(report, true), passed(report, false), seeds]).toEqual([false, true, []]);
  expect(printed).toEqual(['traced: FAILED, not run: strace is not here']);
});

it('a kind that never had its turn has not passed', async () => {
  const { kind, options } = sceneOf();
  const reports = await soak({ ...options, kinds: [kind('endless', 120_000), kind('starved', 1)] });
  expect(reports.map((report) => passed(report, true))).toEqual([true, false]);
});
