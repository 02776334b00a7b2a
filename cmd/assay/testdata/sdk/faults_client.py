"""Asks a gateway many questions at once with the official OpenAI SDK for Python.

usage: faults_client.py BASE_URL < cases.jsonl
A case is {"name","model","stream","retries","timeout","headers"}; for each a
line {"name","text","finish","error","status","code","seconds"} is printed.
error is the class of what was raised, "" if nothing was.
"""
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="sk-test")


def ask(case):
    begun = time.monotonic()
    out = {"name": case["name"], "text": "", "finish": False, "error": "", "status": 0, "code": ""}
    try:
        answer(case, out)
    except openai.APIError as e:
        out.update(error=type(e).__name__, status=getattr(e, "status_code", 0), code=e.code or "")
    except Exception as e:  # what an application that catches openai.APIError would not catch
        out.update(error="NOT OPENAI'S: " + repr(e))
    out["seconds"] = time.monotonic() - begun
    return out


def answer(case, out):
    c = client.with_options(max_retries=case["retries"], timeout=case["timeout"])
    how = {"model": case["model"], "messages": [{"role": "user", "content": "count to four"}], "extra_headers": case.get("headers") or {}}
    if not case["stream"]:
        choice = c.chat.completions.create(**how).choices[0]
        out.update(text=choice.message.content, finish=choice.finish_reason is not None)
        return
    for chunk in c.chat.completions.create(stream=True, **how):
        for choice in chunk.choices:
            if choice.index == 0:
                out["text"] += choice.delta.content or ""
            out["finish"] = out["finish"] or choice.finish_reason is not None


with ThreadPoolExecutor(64) as pool:
    for line in pool.map(ask, [json.loads(line) for line in sys.stdin]):
        print(json.dumps(line), flush=True)
