// k6/http: blocking requests, made by a worker; cookies are kept, as k6 keeps them for a virtual user.
import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";

const { port1, port2 } = new MessageChannel();
const signal = new Int32Array(new SharedArrayBuffer(4));
const worker = new Worker(new URL("./worker.js", import.meta.url), {
  workerData: { port: port2, signal },
  transferList: [port2],
});
worker.unref();
const cookies = new Map();

function encoded(body, headers) {
  if (body === null || body === undefined) return undefined;
  if (typeof body === "string" || body instanceof ArrayBuffer) return Buffer.from(body);
  headers["Content-Type"] = "application/x-www-form-urlencoded";
  return Buffer.from(new URLSearchParams(body).toString());
}

function keep(lines) {
  for (const line of [].concat(lines)) {
    const [pair, ...attributes] = line.split(";").map((each) => each.trim());
    const name = pair.slice(0, pair.indexOf("="));
    const isOver = attributes.some((each) => /^max-age=(0|-\d+)$/i.test(each) || /^expires=.*19\d\d/i.test(each));
    if (isOver) cookies.delete(name);
    else cookies.set(name, pair);
  }
}

function request(method, url, body, params = {}) {
  const headers = { ...params.headers };
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== "string") throw new Error(`header ${name} is not a text`);
  }
  const bytes = encoded(body, headers);
  if (cookies.size > 0 && headers.Cookie === undefined) headers.Cookie = [...cookies.values()].join("; ");
  Atomics.store(signal, 0, 0);
  port1.postMessage({ method, url, headers, body: bytes });
  if (Atomics.wait(signal, 0, 0, 10000) === "timed-out") throw new Error("the worker does not answer");
  const { status, headers: answered, text, error } = receiveMessageOnPort(port1).message;
  if (error) return { status: 0, error_code: 1000, error, headers: {}, body: null };
  if (answered["Set-Cookie"]) keep(answered["Set-Cookie"]);
  const joined = Object.fromEntries(Object.entries(answered).map(([name, value]) => [name, [].concat(value).join(", ")]));
  return { status, error_code: 0, error: "", headers: joined, body: text, json: (name) => JSON.parse(text)[name] };
}

export default {
  request,
  post: (url, body, params) => request("POST", url, body, params),
};
