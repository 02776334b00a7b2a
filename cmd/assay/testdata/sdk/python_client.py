"""Drives a running gateway with the official OpenAI SDK for Python.

usage: python_client.py BASE_URL
Prints one line for each thing it saw work; any surprise is an exception.
"""
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="sk-test", max_retries=0)
hi = [{"role": "user", "content": "hi"}]

raw = client.chat.completions.with_raw_response.create(model="assay/balanced", messages=hi)
done = raw.parse()
assert done.choices[0].message.content, done
assert done.usage.completion_tokens > 0, done
assert raw.headers["x-model-router-model"] and raw.headers["x-request-id"].startswith("req_"), raw.headers
print("completes:", raw.headers["x-model-router-model"])

text, usage = "", None
for chunk in client.chat.completions.create(model="gpt-4o", messages=hi, stream=True, stream_options={"include_usage": True}):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
assert text and usage.completion_tokens > 0, (text, usage)
print("streams:", len(text), "characters")

chunks = [c for c in client.chat.completions.create(model="gpt-4o", messages=hi, stream=True)]
assert all(c.choices for c in chunks), "a usage chunk came that nobody asked for"
print("streams without an unasked chunk")

tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]
call = client.chat.completions.create(model="gpt-4o", messages=hi, tools=tools).choices[0].message.tool_calls[0]
assert call.function.name == "weather", call
print("calls tools")

assert any(m.id == "assay/balanced" for m in client.models.list()), "models.list lacks assay/balanced"
assert client.models.retrieve("openai/gpt-4o").id == "openai/gpt-4o"
print("lists models")

seen = ""
try:
    for chunk in client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "please die mid-stream"}], stream=True):
        if chunk.choices:
            seen += chunk.choices[0].delta.content or ""
except openai.APIError as e:
    assert seen, "it died before the first chunk"
    print("raises when the upstream dies mid-stream:", type(e).__name__)
else:
    raise SystemExit("a stream that died looked like success")

for model, want in {"gpt-9": openai.NotFoundError, "claude": openai.BadRequestError, "gpt-4o-mini": openai.InternalServerError}.items():
    try:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "please fail"}])
    except want as e:
        print("raises", want.__name__, "for", model)
    else:
        raise SystemExit(f"no {want.__name__} for {model}")
