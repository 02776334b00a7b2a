// Asks a gateway many questions at once with the official OpenAI SDK for Node.
// usage: node faults_client.mjs BASE_URL < cases.jsonl
// Cases and answers are those of faults_client.py.
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'sk-test' });

async function answer(c, out) {
  const options = { maxRetries: c.retries, timeout: c.timeout * 1000, headers: c.headers ?? {} };
  const body = { model: c.model, messages: [{ role: 'user', content: 'count to four' }] };
  if (!c.stream) {
    const choice = (await client.chat.completions.create(body, options)).choices[0];
    out.text = choice.message.content;
    out.finish = choice.finish_reason !== null;
    return;
  }
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true }, options)) {
    for (const choice of chunk.choices) {
      if (choice.index === 0) out.text += choice.delta.content ?? '';
      out.finish ||= choice.finish_reason !== null;
    }
  }
}

async function ask(c) {
  const begun = performance.now();
  const out = { name: c.name, text: '', finish: false, error: '', status: 0, code: '' };
  try {
    await answer(c, out);
  } catch (e) {
    // Anything else would escape an application that catches OpenAI.APIError.
    if (e instanceof OpenAI.APIError) Object.assign(out, { error: e.constructor.name, status: e.status ?? 0, code: e.code ?? '' });
    else out.error = `NOT OPENAI'S: ${e}`;
  }
  out.seconds = (performance.now() - begun) / 1000;
  console.log(JSON.stringify(out));
}

const cases = readFileSync(0, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
await Promise.all(cases.map(ask));
