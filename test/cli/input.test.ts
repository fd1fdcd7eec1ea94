import { describe, expect, it } from 'vitest';
import { readInput } from '../../src/cli/input.ts';
import { testFolder } from './test-shell.ts';

const schema = {
  type: 'object',
  $defs: { many: { type: 'array', items: { type: 'string' } } },
  properties: {
    topic: { type: 'string' },
    depth: { type: 'integer' },
    share: { type: 'number' },
    deep: { type: 'boolean' },
    tags: { $ref: '#/$defs/many' },
    about: { type: 'object' },
    maybe: { type: ['integer', 'null'] },
    either: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    level: { enum: [1, 2] },
  },
};

describe('--input', () => {
  it.each<[string, unknown]>([
    ['topic=5', '5'],
    ['topic=a=b=c', 'a=b=c'],
    ['topic=', ''],
    ['depth=5', 5],
    ['depth=five', 'five'],
    ['depth=1e999', '1e999'],
    ['share=0.5', 0.5],
    ['deep=true', true],
    ['deep=yes', 'yes'],
    ['tags=["a","b"]', ['a', 'b']],
    ['about={"a":{"b":null}}', { a: { b: null } }],
    ['about=[1]', '[1]'],
    ['maybe=null', null],
    ['either=5', '5'],
    ['level=2', 2],
    ['unknown=5', '5'],
    ['topic=@@home', '@home'],
  ])('%s', async (option, expected) => {
    const key = option.slice(0, option.indexOf('='));
    expect(await readInput([option], schema, '.')).toEqual({ [key]: expected });
  });

  it('knows no schema: everything is a text', async () => {
    expect(await readInput(['a=1', 'b=true'], undefined, '.')).toEqual({ a: '1', b: 'true' });
  });

  it('takes names of Object.prototype as names', async () => {
    const input = await readInput(['__proto__=x', 'constructor=y'], schema, '.');
    expect(Object.entries(input)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('reads files, from the directory of the command', async () => {
    const folder = testFolder();
    folder.write('topic.txt', '\uFEFFtea\nhouses\n');
    folder.write('tags.json', '["a"]\n');
    expect(await readInput(['topic=@topic.txt', 'tags=@tags.json'], schema, folder.directory)).toEqual({
      topic: 'tea\nhouses\n',
      tags: ['a'],
    });
  });

  it.each([
    [['topic'], 'expects key=value, came "topic"'],
    [['=x'], 'expects key=value'],
    [['a=1', 'a=2'], 'gives "a" twice'],
    [['a=@nowhere'], 'cannot be read (ENOENT)'],
  ])('refuses %j', async (options, message) => {
    await expect(readInput(options, schema, '/')).rejects.toMatchObject({
      code: 'invalidRequest',
      message: expect.stringContaining(message),
    });
  });
});
