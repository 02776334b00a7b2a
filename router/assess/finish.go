package assess

import (
	"strings"
	"unicode"
)

// cutByLength says whether a finish reason means that a limit on tokens ended
// the answer: OpenAI's word, Anthropic's and Gemini's where a server passes
// them through, Mistral's for a full context.
func cutByLength(reason string) bool {
	switch strings.ToLower(reason) {
	case "length", "max_tokens", "max_output_tokens", "model_length":
		return true
	}
	return false
}

// cutByTrouble says whether the upstream gave up on its own answer: DeepSeek's
// word for a lack of machines, and what gateways write for an error.
func cutByTrouble(reason string) bool {
	switch strings.ToLower(reason) {
	case "insufficient_system_resource", "error":
		return true
	}
	return false
}

// filtered says whether a content filter or the model's own guard ended it.
func filtered(reason string) bool {
	switch strings.ToLower(reason) {
	case "content_filter", "safety", "prohibited_content", "blocklist", "recitation", "refusal", "sensitive":
		return true
	}
	return false
}

// probeTokens is a limit, in tokens, below which a request only asks whether
// somebody is there: an answer that is empty under it fails nobody.
const probeTokens = 16

// empty says why an answer holds nothing, "" if it does hold something or was
// meant to be empty.
func empty(in Input, a Answer, text string) string {
	switch {
	case !blank(text) || len(a.ToolCalls) > 0 || a.Media || !blank(a.Refusal) || filtered(a.FinishReason):
		return ""
	case cutByLength(a.FinishReason) && in.MaxTokens > 0 && in.MaxTokens < probeTokens:
		return ""
	case in.Stops && !cutByLength(a.FinishReason): // a stop sequence at the very beginning
		return ""
	case mentions(in.System, emptyAsked) || mentions(in.Prompt, emptyAsked):
		return ""
	case cutByLength(a.FinishReason) && a.Thought:
		return "no answer: every token went into thinking"
	case cutByLength(a.FinishReason):
		return "no answer before the limit on tokens"
	}
	return "no text and no tool call"
}

// emptyAsked are words of prompts for which silence is an answer.
var emptyAsked = newWords("empty", "nothing", "blank", "silent", "do not respond", "don't respond", "do not reply", "don't reply", "no output",
	"空", "什么都不", "什么也不", "不要输出", "不输出", "不要回复", "不要回答", "不回复", "不用回", "沉默", "無", "不需要回")

// blank says whether nothing in s can be seen.
func blank(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && r != '\ufffd' && !unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// truncated says why an answer ended before its end, "" if it did not or if
// the client's own limit ended it. Counts of tokens differ a little between
// providers, so a limit counts as reached from 9/10 of it.
func truncated(in Input, a Answer) string {
	switch {
	case cutByTrouble(a.FinishReason):
		return "the upstream gave up"
	case !cutByLength(a.FinishReason):
		return ""
	case in.MaxTokens == 0:
		return "cut by the upstream's limit; the client set none"
	case a.Tokens > 0 && a.Tokens < int64(in.MaxTokens)*9/10:
		return "cut by the upstream's limit, below the client's"
	}
	return ""
}
