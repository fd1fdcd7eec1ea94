/** Scenes for the test runner. */
import { beforeAll, onTestFinished } from 'vitest';
import { serverOfProcess, type Program } from './program.ts';
import { Scene, type SceneOptions } from './scene.ts';

/** In a `describe`: builds the server, and gives a function that sets the scene for the running test. */
export function sceneOfTest(): (options?: SceneOptions) => Promise<Scene> {
  let program: Program;
  beforeAll(async () => {
    program = await serverOfProcess();
  });
  return async (options) => {
    const scene = await Scene.set(program, options);
    onTestFinished(() => scene[Symbol.asyncDispose]());
    return scene;
  };
}
