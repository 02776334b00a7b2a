// Drives a running gateway with the official OpenAI SDK for Node.
// usage: node node_client.mjs BASE_URL
// Prints one line for each thing it saw work; any surprise is an exception.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'sk-test', maxRetries: 0 });
const hi = [{ role: 'user', content: 'hi' }];

const { data: done, response } = await client.chat.completions.create({ model: 'assay/balanced', messages: hi }).withResponse();
assert.ok(done.choices[0].message.content);
assert.ok(done.usage.completion_tokens > 0);
assert.ok(response.headers.get('x-model-router-model'));
assert.match(response.headers.get('x-request-id'), /^req_/);
console.log('completes:', response.headers.get('x-model-router-model'));

let text = '', usage = null;
for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages: hi, stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta?.content ?? '';
  usage = chunk.usage ?? usage;
}
assert.ok(text && usage.completion_tokens > 0);
console.log('streams:', text.length, 'characters');

for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages: hi, stream: true })) {
  assert.ok(chunk.choices.length > 0, 'a usage chunk came that nobody asked for');
}
console.log('streams without an unasked chunk');

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
const call = (await client.chat.completions.create({ model: 'gpt-4o', messages: hi, tools })).choices[0].message.tool_calls[0];
assert.equal(call.function.name, 'weather');
console.log('calls tools');

const ids = [];
for await (const m of client.models.list()) ids.push(m.id);
assert.ok(ids.includes('assay/balanced'));
console.log('lists models');

let seen = '', died = null;
try {
  for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'please die mid-stream' }], stream: true })) {
    seen += chunk.choices[0]?.delta?.content ?? '';
  }
} catch (e) {
  died = e;
}
assert.ok(seen, 'it died before the first chunk');
assert.ok(died instanceof OpenAI.APIError, `a stream that died ended with ${died}`);
console.log('raises when the upstream dies mid-stream:', died.constructor.name);

for (const [model, want] of [['gpt-9', OpenAI.NotFoundError], ['claude', OpenAI.BadRequestError], ['gpt-4o-mini', OpenAI.InternalServerError]]) {
  await assert.rejects(client.chat.completions.create({ model, messages: [{ role: 'user', content: 'please fail' }] }), want);
  console.log('raises', want.name, 'for', model);
}
