// Adds up the reports of the test runner and ends with the line that CI reads; fails where nothing ran or anything failed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const sum = { passed: 0, failed: 0, skipped: 0, files: 0 };
for (const file of folder === undefined ? [] : readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  sum.files++;
  sum.passed += report.numPassedTests;
  sum.failed +=
    report.numFailedTests +
    report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
      .length;
  sum.skipped += report.numPendingTests + report.numTodoTests;
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
// Of the tests, the examples and the soak.
if (sum.files < 3 || sum.passed === 0 || sum.failed > 0) process.exit(1);
