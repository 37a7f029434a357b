// Sends requests for http.js, which waits for it.
import http from "node:http";
import { workerData } from "node:worker_threads";

const { port, signal } = workerData;

function canonical(name) {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (found) => found.toUpperCase());
}

function answer(message) {
  port.postMessage(message);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

port.on("message", ({ method, url, headers, body }) => {
  const options = { method, agent: false, headers: { ...headers, Connection: "close", "Content-Length": body ? body.length : 0 } };
  const sent = http.request(url, options, (response) => {
    const chunks = [];
    response.on("data", (chunk) => chunks.push(chunk));
    response.on("end", () => {
      const found = Object.entries(response.headers).map(([name, value]) => [canonical(name), value]);
      answer({ status: response.statusCode, headers: Object.fromEntries(found), text: Buffer.concat(chunks).toString() });
    });
  });
  sent.on("error", (problem) => answer({ error: String(problem.message) }));
  sent.end(body && Buffer.from(body));
});
