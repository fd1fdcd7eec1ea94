/** `fermata validate`: what it says of a document that is right. */
import { describe, expect, it } from 'vitest';
import { analysisLines, type Analysis } from '../../src/cli/analysis.ts';
import { testFolder } from './test-shell.ts';

const TRIP = `
name: trip
tasks:
  - { name: weather, prompt: Look, maxRetries: 1, estimatedDurationSeconds: 2.5 }
  - name: swim
    when: 'tasks.weather.output == "fine"'
    prompt: Swim
  - name: plan
    prompt: "{{ tasks.swim.output }}"
  - { name: sights, kind: map, items: input.sights, task: { prompt: "{{ item }}" } }
`;

describe('validate', () => {
  it('shows stages, counts and warnings, and is content', async () => {
    const folder = testFolder();
    folder.write('trip.yaml', TRIP);
    const { status, out, err } = await folder.run(['validate', 'trip.yaml']);
    expect(status).toBe(0);
    expect(out.split('\n')).toEqual([
      'trip.yaml is valid: workflow "trip" with 4 tasks.',
      'stage 1: weather, sights',
      'stage 2: swim',
      'stage 3: plan',
      'longest chain: weather → swim → plan (2.5 s, and 2 of unknown duration)',
      'at most: unbounded tasks, unbounded model calls (unbounded with all retries)',
      'map sights: unbounded (depends on input.sights)',
    ]);
    expect(err).toBe(
      'warning: trip.yaml:9:5: tasks[2].prompt: line 1, column 4: reads the output of "swim", which has none where its "when" is false: write {{ tasks.swim.output | default: "…" }}',
    );
  });

  it('--json: all of it, on standard output alone', async () => {
    const folder = testFolder();
    folder.write('trip.yaml', TRIP);
    const { status, out, err } = await folder.run(['validate', 'trip.yaml', '--json']);
    expect([status, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({
      valid: true,
      analysis: { criticalPath: { seconds: 2.5 }, warnings: [{ code: 'absentOutput' }] },
    });
  });

  it('a document of thousands of tasks fits on a screen', async () => {
    const folder = testFolder();
    const tasks = Array.from({ length: 2_000 }, (_, index) => ({
      name: `t${index}`,
      prompt: 'Go',
      when: 'false',
      dependsOn: index === 0 ? [] : [`t${index - 1}`],
    }));
    folder.write('large.json', JSON.stringify({ name: 'large', tasks }));
    const { status, out, err } = await folder.run(['validate', 'large.json']);
    expect(status).toBe(0);
    expect(out.split('\n')).toHaveLength(24);
    expect(out).toContain('… 1980 more stages: see --json');
    expect(err.split('\n')).toHaveLength(21);
    expect(err).toContain('warning: and 1980 more: see --json');
  });
});

const BIG: Analysis = {
  stages: [['a']],
  criticalPath: { tasks: ['a'], seconds: 0, unestimated: 1 },
  worstCase: { tasks: 1e30, modelCalls: 12, modelCallsWithRetries: null },
  loops: [],
  warnings: [],
  unlistedWarnings: 0,
};

it('a chain of decisions and tasks of unknown duration says no time', () => {
  const criticalPath = { tasks: ['decision', 'a'], seconds: 0, unestimated: 1 };
  expect(analysisLines({ ...BIG, criticalPath })).toContain('longest chain: decision → a');
});

it('numbers that are no longer exact are said so', () => {
  expect(analysisLines(BIG)).toEqual([
    'stage 1: a',
    'longest chain: a',
    'at most: about 1.0e+30 tasks, 12 model calls (unbounded with all retries)',
  ]);
});

it.each(['--server', '--db', '--config'])('graph FILE refuses %s, which says where a run is', async (option) => {
  const folder = testFolder();
  folder.write('trip.yaml', TRIP);
  const value = option === '--server' ? 'http://127.0.0.1:1' : 'x';
  const { status, err, out } = await folder.run(['graph', 'trip.yaml', option, value]);
  expect({ status, out }).toEqual({ status: 2, out: '' });
  expect(err).toContain(`${option} says where a run is, and a file is drawn as it is written`);
});
