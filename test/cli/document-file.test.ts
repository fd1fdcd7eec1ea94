import { expect, it } from 'vitest';
import { faultLines } from '../../src/cli/document-file.ts';

const text = `name: x
config: { breadth: 0 }
tasks:
  - name: a
    metadata:
      "my key": 1
  - { name: b, prompt: p }
`;

it.each([
  ['name', 'd.yaml:1:1: name: wrong'],
  ['config.breadth', 'd.yaml:2:11: config.breadth: wrong'],
  ['tasks[0].metadata["my key"]', 'd.yaml:6:7: tasks[0].metadata["my key"]: wrong'],
  ['tasks[1].prompt', 'd.yaml:7:16: tasks[1].prompt: wrong'],
  // What is missing is shown where it is missing.
  ['tasks[0].prompt', 'd.yaml:4:5: tasks[0].prompt: wrong'],
  ['nothing[3].of', 'd.yaml:1:1: nothing[3].of: wrong'],
  ['', 'd.yaml:1:1: wrong'],
  ['3:5', 'd.yaml:3:5: wrong'],
])('a fault at %j', (path, line) => {
  expect(faultLines({ name: 'd.yaml', text }, [{ path, message: 'wrong' }])).toEqual([line]);
});

it('finds places in JSON too, and in what is no document', () => {
  expect(faultLines({ name: 'd.json', text: '{\n  "name": 5\n}' }, [{ path: 'name', message: 'm' }])).toEqual([
    'd.json:2:3: name: m',
  ]);
  expect(faultLines({ name: 'd', text: '' }, [{ path: 'name', message: 'm' }])).toEqual(['d:1:1: name: m']);
});

it('says the place of a syntax fault once', () => {
  expect(faultLines({ name: 'd', text: '' }, [{ path: '2:3', message: 'line 2, column 3: oops' }])).toEqual([
    'd:2:3: oops',
  ]);
});
