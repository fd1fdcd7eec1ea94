/** All workloads, in the order in which they are shown. */
import { firstToken } from './first-token.ts';
import { million } from './million.ts';
import { restart } from './restart.ts';
import { w1 } from './w1-chain.ts';
import { w2 } from './w2-breadth.ts';
import { w3 } from './w3-many-runs.ts';
import { w4 } from './w4-parked.ts';
import { w5 } from './w5-killed.ts';
import { w6 } from './w6-shared.ts';
import { w7 } from './w7-map.ts';
import type { Workload } from './workload.ts';

/** The workloads. */
export const WORKLOADS: readonly Workload[] = [w1, w2, w3, w4, w5, w6, w7, firstToken, restart, million];
