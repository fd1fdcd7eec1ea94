/**
 * What a run costs and when it will have ended, above its tasks. It runs in the browser: the page holds the text of
 * `moneyPanel`, which therefore uses nothing from outside of itself.
 */

/** What `…/status` says of it. */
export interface MoneyStatus {
  readonly status: string;
  readonly costDollars: number | null;
  readonly unknownCalls: number;
  readonly etaSeconds: number | null;
  readonly etaFrom?: string;
  readonly etaReason?: string;
  readonly etaAtLeastSeconds?: number;
  readonly estimate?: {
    readonly lowestDollars: number;
    readonly expectedDollars: number;
    readonly highestDollars: number | null;
  } | null;
  readonly cache?: { readonly hits: number; readonly costSavedDollars: number };
  readonly budget?: {
    /** Absent where only budgets of several runs bound what it spends. */
    readonly maxCostDollars?: number;
    readonly warnAtDollars?: number;
    readonly spentDollars: number;
    readonly reservedDollars: number;
    readonly waitingCalls: number;
  };
}

/** What a task says of it. */
export interface MoneyTask {
  readonly name: string;
  readonly cacheHit?: boolean;
  readonly costSavedDollars?: number | null;
}

/** A request to a model. */
interface Call {
  readonly task: string;
  /** `saved`: nobody was asked. */
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly unitPrices: Readonly<Record<string, unknown>> | null;
  readonly costDollars: number | null;
}

/** What the page lends it. */
export interface MoneyPage {
  get<T>(path: string): Promise<T | undefined>;
  /** Nothing where nothing is paid for. */
  money(dollars: number | null, unknown?: number): string;
  make(tag: string, content?: string, name?: string): HTMLElement;
}

/** What it gives the page. */
export interface MoneyPanel {
  /** Estimate against actual, the budget, what the cache saved, the time that is left. */
  lines(status: MoneyStatus): HTMLElement[];
  /** The cell of a task's cost: its requests and their unit prices are read when somebody points at it. */
  costCell(task: MoneyTask, cost: string): HTMLElement;
}

/** Made once for a page. */
export function moneyPanel({ get, money, make }: MoneyPage): MoneyPanel {
  const MOST_CALLS = 1_000;
  const MOST_TOLD = 20;
  /** By task, as it was read last. */
  const told = new Map<string, string>();

  const duration = (seconds: number): string => {
    if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
    if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
    return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`;
  };
  const dollars = (amount: number): string => (amount === 0 ? '$0.00' : money(amount));

  const eta = (run: MoneyStatus): string => {
    const { etaSeconds, etaFrom = '', etaReason, etaAtLeastSeconds = 0 } = run;
    const words: Readonly<Record<string, string>> = {
      declared: ', as its author says',
      learned: ', as in earlier runs',
      default: ', a guess',
    };
    if (etaSeconds !== null) return `${duration(etaSeconds)} left${words[etaFrom] ?? ''}`;
    if (etaReason === undefined) return '';
    return `Time left is not known: ${etaReason}${etaAtLeastSeconds === 0 ? '' : `; ${duration(etaAtLeastSeconds)} at least`}`;
  };
  const estimate = ({ costDollars, unknownCalls, estimate: expected, budget }: MoneyStatus): string => {
    const spent = money(costDollars, unknownCalls);
    if (expected === null || expected === undefined || expected.highestDollars === 0)
      return budget === undefined || spent === '' ? '' : `${spent} spent`;
    const { lowestDollars, expectedDollars, highestDollars } = expected;
    const most = highestDollars === null ? 'no bound' : dollars(highestDollars);
    return `${spent || '$0.00'} spent, ${dollars(expectedDollars)} expected (${dollars(lowestDollars)} to ${most})`;
  };
  const saved = ({ cache: own }: MoneyStatus): string => {
    if (own === undefined || own.hits === 0) return '';
    return `${own.hits} ${own.hits === 1 ? 'answer' : 'answers'} from the cache, ${dollars(own.costSavedDollars)} saved`;
  };
  const part = (name: string, share: number): HTMLElement => {
    const element = make('i', '', name);
    element.style.width = `${Math.max(0, Math.min(100, 100 * share))}%`;
    return element;
  };
  /** What is spent, what is reserved for calls under way, what is left, and where it warns. */
  const budget = ({ budget: own }: MoneyStatus): HTMLElement[] => {
    if (own === undefined) return [];
    const { maxCostDollars: most, warnAtDollars, spentDollars, reservedDollars, waitingCalls } = own;
    const waiting =
      waitingCalls === 0 ? [] : [`${waitingCalls} ${waitingCalls === 1 ? 'call waits' : 'calls wait'} for money`];
    // Others spend of it as well: GET /budgets says what is left.
    if (most === undefined)
      return waiting.length === 0 && reservedDollars === 0
        ? []
        : [
            make(
              'p',
              ['Budget of several runs', `${dollars(reservedDollars)} reserved`, ...waiting].join(' · '),
              'small',
            ),
          ];
    const left = Math.max(0, most - spentDollars - reservedDollars);
    const bar = make('div', '', warnAtDollars !== undefined && spentDollars >= warnAtDollars ? 'bar warned' : 'bar');
    const share = (amount: number): number => (most === 0 ? 1 : amount / most);
    bar.append(part('settled', share(spentDollars)), part('reserved', share(reservedDollars)));
    const words = [
      `${dollars(spentDollars)} spent`,
      `${dollars(reservedDollars)} reserved`,
      `${dollars(left)} left of ${dollars(most)}`,
      ...(warnAtDollars === undefined ? [] : [`warns at ${dollars(warnAtDollars)}`]),
      ...waiting,
    ].join(' · ');
    bar.setAttribute('role', 'img');
    bar.setAttribute('aria-label', `Budget: ${words}`);
    if (warnAtDollars !== undefined && warnAtDollars < most) {
      const mark = make('b');
      mark.style.left = `${100 * share(warnAtDollars)}%`;
      bar.append(mark);
    }
    return [bar, make('p', `Budget: ${words}`, 'small')];
  };

  const callText = (call: Call): string => {
    const { provider, model, inputTokens, cachedInputTokens, outputTokens, unitPrices, costDollars } = call;
    const price = (kind: string): string => {
      const rate = unitPrices?.[kind];
      return typeof rate === 'number' ? ` at $${rate}/M` : '';
    };
    const cached =
      (cachedInputTokens ?? 0) === 0 ? '' : ` (${cachedInputTokens} of them cached${price('cachedInput')})`;
    const used =
      inputTokens === null || outputTokens === null
        ? 'usage not known'
        : `${inputTokens} tokens in${price('input')}${cached}, ${outputTokens} out${price('output')}`;
    return `${provider}/${model}: ${used} = ${costDollars === null ? 'not known' : dollars(costDollars)}`;
  };
  const read = async (): Promise<void> => {
    const found = await get<{ items: Call[] }>(`/calls?limit=${MOST_CALLS}`);
    const asked = (found?.items ?? []).filter(({ kind }) => kind !== 'saved');
    for (const [task, calls] of Map.groupBy(asked, ({ task: name }) => name)) {
      const shown = calls.slice(0, MOST_TOLD).map(callText);
      told.set(
        task,
        [...shown, ...(calls.length > MOST_TOLD ? [`and ${calls.length - MOST_TOLD} more`] : [])].join('\n'),
      );
    }
  };

  return {
    lines: (status) => [
      ...[eta(status), estimate(status), saved(status)]
        .filter((words) => words !== '')
        .map((words) => make('p', words)),
      ...budget(status),
    ],
    costCell({ name, cacheHit, costSavedDollars }, cost) {
      const gain = typeof costSavedDollars === 'number' ? `, ${dollars(costSavedDollars)} saved` : '';
      // The vector and the verdict by which it was found, or what it was asked before.
      const paid = cost === '' ? '' : `, ${cost}${cost.includes('$') ? ' paid' : ''}`;
      const cell = make('td', cacheHit === true ? `cached${gain}${paid}` : cost);
      if (cost === '') return cell;
      cell.className = 'cost';
      cell.title = told.get(name) ?? '';
      cell.addEventListener('mouseenter', () => {
        void read().then(() => {
          cell.title = told.get(name) ?? '';
        });
      });
      return cell;
    },
  };
}
