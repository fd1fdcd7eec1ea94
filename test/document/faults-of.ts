import { expect } from 'vitest';
import { FermataError } from '../../src/errors.ts';

/** The error that `work` throws. */
export function errorOf(work: () => unknown): FermataError {
  try {
    work();
  } catch (error) {
    if (error instanceof FermataError) return error;
    throw error;
  }
  return expect.fail('expected a FermataError, but nothing was thrown');
}

/** The faults that `work` throws, each as `path: message`. */
export function faultsOf(work: () => unknown): string[] {
  return (errorOf(work).faults ?? []).map(({ path, message }) => `${path}: ${message}`);
}
