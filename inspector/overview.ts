/**
 * What stands above the chart: each task in words, with what it waits for, why it did not run, and what tasks share.
 * It runs in the browser: the page holds the text of `overview`, which therefore uses nothing from outside of itself.
 */

import type { MoneyPage, MoneyPanel, MoneyStatus, MoneyTask } from './money.ts';

interface Task extends MoneyTask {
  readonly parent?: string;
  readonly status: string;
  readonly output: unknown;
  readonly error: { readonly message: string } | null;
  readonly reason?: string;
  readonly warning?: string;
  readonly condition?: { readonly expression?: string; readonly predicate?: string; readonly values?: object };
  readonly childRunId?: string;
  readonly reused?: object;
  readonly attempts: number;
  readonly costDollars: number | null;
  readonly unknownCalls?: number;
}

interface Waiting {
  readonly task: string;
  readonly waitsFor: string;
  readonly dependencies?: readonly string[];
  readonly prompt?: string;
  readonly event?: { readonly type: string; readonly filter?: string };
  readonly until: string | null;
}

interface Status extends MoneyStatus {
  readonly progress: number;
  readonly reason?: { readonly message: string };
  readonly tasks: { readonly total: number };
}

interface Line extends MoneyTask {
  readonly depth: number;
  readonly status: string;
  readonly says: string;
  readonly cost: string;
  readonly run?: string | undefined;
}

/**
 * Draws the tasks of a run into the element `overview`, and again as long as the run goes on.
 *
 * @param moneyPanel of `money.ts`, whose text the page holds as well
 */
export function overview(runId: string, moneyPanel: (page: MoneyPage) => MoneyPanel): void {
  const MOST_TASKS = 200;
  const MOST_ITEMS = 20;
  const LONGEST = 200;
  const AGAIN_MS = 2_000;
  /** What is drawn slowly is drawn seldom: a page that somebody leaves open takes a tenth of the server's time at most. */
  const REST = 9;
  const place = document.getElementById('overview');
  let isOver = false;
  const api = `/api/v1/runs/${encodeURIComponent(runId)}`;

  const get = async <T>(path: string): Promise<T | undefined> => {
    const answer = await fetch(`${api}${path}`);
    return answer.ok ? ((await answer.json()) as T) : undefined;
  };
  const text = (value: unknown): string => {
    const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
  };
  /** Nothing where nothing is paid for. */
  const money = (dollars: number | null, unknown = 0): string => {
    if (dollars === null) return unknown === 0 ? '' : 'cost unknown';
    if (dollars === 0 && unknown === 0) return '';
    return `${unknown > 0 ? 'at least ' : ''}$${Number(dollars.toPrecision(3)).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 9 })}`;
  };
  const make = (tag: string, content = '', name = ''): HTMLElement => {
    const element = document.createElement(tag);
    element.textContent = content;
    if (name !== '') element.className = name;
    return element;
  };
  /** The page of another run, which needs the same token. */
  const link = (run: string): HTMLElement => {
    const address = new URL(location.href);
    address.searchParams.set('run', run);
    const element = make('a', `run ${run}`);
    element.setAttribute('href', address.href);
    return element;
  };

  const waitText = (waits: Waiting): string => {
    const until = waits.until === null ? '' : `, until ${waits.until}`;
    if (waits.dependencies !== undefined) return `waits for ${waits.dependencies.join(', ')}`;
    if (waits.event !== undefined) {
      const { type, filter } = waits.event;
      return `waits for the event "${type}"${filter === undefined ? '' : ` of which ${filter}`}${until}`;
    }
    if (waits.prompt !== undefined) return `asks: ${waits.prompt}${until}`;
    const words: Readonly<Record<string, string>> = {
      time: `waits${until}`,
      slot: 'waits for a slot: config.breadth says how many run at once',
      items: 'its items go on',
      rounds: 'its rounds go on',
      run: 'waits for its run',
      call: 'its call goes on',
      backoff: `is tried again${until}`,
      decision: 'a crash cut its call off: retry or cancel it',
    };
    return words[waits.waitsFor] ?? `waits for ${waits.waitsFor}${until}`;
  };
  const conditionText = ({ condition }: Task): string => {
    const asked =
      condition?.expression ?? (condition?.predicate === undefined ? '' : `predicate ${condition.predicate}`);
    const values = Object.entries(condition?.values ?? {}).map(
      ([name, value]) => `${name} is ${JSON.stringify(value)}`,
    );
    // A switch asks for no more than a value.
    if (values.length === 1 && asked in (condition?.values ?? {})) return values.join('');
    return [asked, ...values].filter((part) => part !== '').join('; ');
  };
  const saysOf = (task: Task, waits: Waiting | undefined): string => {
    if (waits !== undefined) return waitText(waits);
    if (task.status !== 'completed') return task.error?.message ?? task.reason ?? '';
    const { branch, chosen } = (task.output ?? {}) as { readonly branch?: string | null; readonly chosen?: string[] };
    if (task.condition !== undefined && chosen !== undefined)
      return `chose ${branch ?? 'nothing'}${chosen.length === 0 ? '' : ` (${chosen.join(', ')})`}: ${conditionText(task)}`;
    return task.warning ?? `${task.reused === undefined ? '' : '(taken over) '}${text(task.output)}`;
  };

  const linesOf = (tasks: readonly Task[], waiting: ReadonlyMap<string, Waiting>): Line[] => {
    const known = new Set(tasks.map(({ name }) => name));
    const below = Map.groupBy(tasks, ({ parent }) => (parent !== undefined && known.has(parent) ? parent : ''));
    const lines: Line[] = [];
    const add = (task: Task, depth: number): void => {
      lines.push({
        ...task,
        depth,
        status: task.status,
        says: saysOf(task, waiting.get(task.name)),
        cost: money(task.costDollars, task.unknownCalls),
        run: task.childRunId,
      });
      const own = below.get(task.name) ?? [];
      const items = own.filter(({ name }) => name.startsWith(`${task.name}[`));
      const isLong = items.length > MOST_ITEMS;
      if (isLong) {
        const counts = [...Map.groupBy(items, ({ status }) => status)].map(([status, of]) => `${of.length} ${status}`);
        lines.push({ name: `${task.name}[…]`, depth: depth + 1, status: '', says: counts.join(', '), cost: '' });
      }
      // Of many items only those are told that went wrong.
      const wrong = items.filter(({ status }) => status === 'failed' || status === 'timedOut').slice(0, MOST_ITEMS);
      const shown = isLong ? [...own.filter((one) => !items.includes(one)), ...wrong] : own;
      for (const one of shown) add(one, depth + 1);
    };
    for (const task of below.get('') ?? []) add(task, 0);
    return lines;
  };

  const table = (heads: readonly string[], rows: readonly HTMLElement[]): HTMLElement => {
    const whole = make('table');
    const head = make('tr');
    head.append(...heads.map((name) => make('th', name)));
    whole.append(head, ...rows);
    return whole;
  };
  const panel = moneyPanel({ get, money, make });
  const rowOf = (line: Line): HTMLElement => {
    const { name, depth, status, says, cost, run } = line;
    const row = make('tr');
    const first = make('td', name);
    first.style.paddingLeft = `${1.5 + depth * 1.5}rem`;
    const second = make('td');
    if (status !== '') second.append(make('span', status, status));
    const third = make('td', says);
    if (run !== undefined) third.append(' ', link(run));
    row.append(first, second, panel.costCell(line, cost), third);
    return row;
  };

  const draw = async (): Promise<void> => {
    const [status, results, why, shared] = await Promise.all([
      get<Status>('/status'),
      get<{ tasks: Task[] }>(`/results?output=false&limit=${MOST_TASKS}`),
      get<{ tasks: Waiting[] }>('/why'),
      get<{ items: { key: string; value: unknown; by: string; revision: number }[] }>('/shared'),
    ]);
    if (status === undefined || place === null) return;
    const waiting = new Map((why?.tasks ?? []).map((one) => [one.task, one]));
    const tasks = results?.tasks ?? [];
    const more = status.tasks.total - tasks.length;
    const head = make('p');
    head.append(
      make('span', status.status, status.status),
      ` ${status.progress} % ${money(status.costDollars, status.unknownCalls)} ${status.reason?.message ?? ''}`,
    );
    const values = (shared?.items ?? []).map(({ key, value, by, revision }) => {
      const row = make('tr');
      row.append(make('td', key), make('td', text(value)), make('td', `${by}, revision ${revision}`));
      return row;
    });
    place.replaceChildren(
      head,
      ...panel.lines(status),
      ...(tasks.length === 0 ? [] : [table(['Task', 'Status', 'Cost', 'Says'], linesOf(tasks, waiting).map(rowOf))]),
      ...(more > 0 && tasks.length > 0 ? [make('p', `and ${more} tasks more`)] : []),
      ...(values.length === 0 ? [] : [table(['Shared', 'Value', 'By'], values)]),
    );
    isOver = ['completed', 'failed', 'cancelled'].includes(status.status);
  };
  const goOn = async (): Promise<void> => {
    const begun = performance.now();
    // A server that is away for a moment, or busy, is asked again.
    await draw().catch(() => {});
    if (!isOver) setTimeout(() => void goOn(), Math.max(AGAIN_MS, REST * (performance.now() - begun)));
  };
  void goOn();
}
