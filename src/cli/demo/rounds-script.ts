/** What the demo's model says to the built-in prompts of `kind: planExecuteReflect`: two rounds, and an answer. */
import type { MadeAnswer, ScriptedRequest, ScriptLine } from './model-server.ts';

/** The lines; each prompt is known by its first words. */
export const ROUNDS_SCRIPT: readonly ScriptLine[] = [
  { prompt: /^Plan the next tasks towards a goal/, answers: [plan] },
  { prompt: /^Judge whether a goal is reached/, answers: [reflection] },
  {
    prompt: /^Answer a goal from what was found out/,
    answers: [
      (request) =>
        said(
          `Answer to "${goalOf(request)}": what is known carries it, what is open does not stand against it, and what was missing after the first round was found in the second.`,
        ),
    ],
  },
  {
    prompt: /^Look into what is known\b/,
    answers: [said('Known: three sources agree on the main point; the oldest is two years old.')],
  },
  {
    prompt: /^Look into what is open\b/,
    answers: [said('Open: two sources differ about the cost, by a factor of three.')],
  },
  {
    prompt: /^Weigh what was found\b/,
    answers: [said('Weighed: the main point stands; the cost needs a closer look.')],
  },
  {
    prompt: /^Look into what is missing\b/,
    answers: [said('Found: the higher cost includes a licence that is not needed here.')],
  },
];

function plan(request: ScriptedRequest): MadeAnswer {
  const goal = goalOf(request);
  const first = [
    { name: 'known', prompt: `Look into what is known about: ${goal}`, dependsOn: [] },
    { name: 'open', prompt: `Look into what is open about: ${goal}`, dependsOn: [] },
    { name: 'weigh', prompt: 'Weigh what was found.', dependsOn: ['known', 'open'] },
  ];
  const next = [{ name: 'missing', prompt: `Look into what is missing: the cost of: ${goal}`, dependsOn: ['weigh'] }];
  return { json: { tasks: roundOf(request).round === 1 ? first : next } };
}

function reflection(request: ScriptedRequest): MadeAnswer {
  const { round, depth } = roundOf(request);
  const done = round > 1 || round === depth;
  return { json: { done, answer: null, next: done ? null : '[scripted] Why the sources differ about the cost.' } };
}

function said(text: string): MadeAnswer {
  return { text: `[scripted] ${text}` };
}

function promptOf({ body }: ScriptedRequest): string {
  const messages = body['messages'] as readonly { readonly role: string; readonly content?: string }[];
  return messages.find(({ role }) => role === 'user')?.content ?? '';
}

/** As the built-in prompts say it: `round 1 of at most 3`. */
function roundOf(request: ScriptedRequest): { readonly round: number; readonly depth: number } {
  const [, round = '1', depth = '1'] = /round (\d+) of at most (\d+)/.exec(promptOf(request)) ?? [];
  return { round: Number(round), depth: Number(depth) };
}

/** In short, and without what would be a template in a prompt. */
function goalOf(request: ScriptedRequest): string {
  const [, goal = ''] = /^# Goal\n(.*)$/m.exec(promptOf(request)) ?? [];
  return goal.replaceAll(/[{}%]/g, '').slice(0, 100);
}
