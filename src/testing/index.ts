/** Fermata for tests: simulated worlds, driven by a seed. */
export { simulate, type SimulationOptions, type StartRequest, type World } from './world.ts';
export type { ApiAnswer, ApiRequest } from './client.ts';
export type { Duration } from './duration.ts';
export type { Faults } from './faults.ts';
export type { Observation, Seen, SeenCall, SeenFact } from './observation.ts';
export type { Answers, Embeddings, Latency, Question } from './outside.ts';
export { memoryStore } from './store/memory-store.ts';
export { MemoryDatabase } from './store/database.ts';
