// k6: checks are counted, and printed at the end by run.mjs.
export const checks = [];

export function check(value, tests) {
  const results = Object.entries(tests).map(([name, test]) => ({ name, passed: Boolean(test(value)) }));
  checks.push(...results);
  return results.every((each) => each.passed);
}

export function sleep(seconds) {
  if (typeof seconds !== "number" || !(seconds >= 0)) throw new Error("sleep takes seconds, not " + seconds);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}
