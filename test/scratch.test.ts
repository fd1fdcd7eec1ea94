import { it } from 'vitest';
import { live } from './simulation/life.ts';
it('x', async () => {
  try {
    await live(Number(process.env.SEED));
  } catch (e) {
    const m = String((e as Error).message);
    console.log(m);
  }
}, 60000);
