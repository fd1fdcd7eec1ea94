// For `node --import`: a program of the clone begins sooner.
import { startQuickly } from './quick-start.js';

startQuickly();
