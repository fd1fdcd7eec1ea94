/**
 * What the language of documents has, but this version does not do yet. It is refused by name rather than ignored: a
 * workflow whose budget is silently not kept is worse than one that does not start.
 */

/** Kinds of tasks that are refused. */
export const UNSUPPORTED_KINDS: ReadonlySet<string> = new Set(['split', 'agent', 'runnable']);

/** Fields of tasks that are refused, whatever their kind. */
export const UNSUPPORTED_TASK_FIELDS: ReadonlySet<string> = new Set(['fallback', 'onBreakerOpen']);

/** Fields of `config` that are refused. */
export const UNSUPPORTED_CONFIG_FIELDS: ReadonlySet<string> = new Set();

/** Names of the prototype that are not ours in snake case, and what they are called here. */
export const FORMER_NAMES: ReadonlyMap<string, string> = new Map([
  ['user_friendly_description', 'description'],
  ['max_parallel', 'breadth'],
  ['on_complete_callback', 'onComplete'],
  ['if_true_task', 'then'],
  ['if_false_task', 'else'],
  ['condition', 'when'],
  ['task_type', 'kind'],
  ['optimization_strategy', 'optimize'],
  ['cost_config', 'budget'],
  ['dependencies', 'dependsOn'],
  ['max_tokens', 'maxOutputTokens'],
  ['timeout', 'timeoutSeconds'],
  ['retries', 'maxRetries'],
]);
