import { simulate } from './src/testing/index.ts';
let n = 0;
for (let seed = 1; seed <= 300; seed++) {
  const world = await simulate({ seed, workflows: [{ name: 'one', tasks: [{ name: 'a', prompt: 'Say a' }] }], answers: () => 'a', faults: { slowReads: 1 } });
  await Promise.all([world.start('one', { key: 'k' }), world.start('one', { key: 'k' })]);
  if (world.trace.seen.some((s) => s.kind === 'log')) { if (n++ < 1) console.log(seed, world.trace.lines.join('\n').slice(0, 1500)); }
}
console.log(n);
process.exit();
