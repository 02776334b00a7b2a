package assess

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/classifier"
)

const (
	zhPrompt = "请介绍一下北京的历史和主要景点，给第一次来的游客一些建议。"
	enPrompt = "What should a first-time visitor know about the history and the sights of Beijing?"
	enText   = "Beijing has been the capital of several dynasties, and it is one of the oldest cities in the world. The Forbidden City is at the centre of it, and you should plan at least half a day for a visit. " +
		"The Great Wall is about an hour from the city by car, and the best time to go there is in the autumn, when the air is clear and the hills are red."
	zhText = "北京有三千多年的建城史和八百多年的建都史，是中国历史文化名城。故宫位于市中心，是明清两代的皇家宫殿，建议至少安排半天时间参观。长城距离市区大约一小时车程，秋天是最好的季节，天气晴朗，满山红叶。"
)

// defects gives the defects of an answer, joined.
func defects(in Input, a Answer) string {
	var names []string
	for _, f := range New(Checks{}).Assess(in, a) {
		names = append(names, string(f.Defect))
	}
	return strings.Join(names, "+")
}

func TestFinishedAnswers(t *testing.T) {
	call := []ToolCall{{"f", "{}"}}
	for name, c := range map[string]struct {
		in   Input
		a    Answer
		want string
	}{
		"an ordinary answer":                             {Input{Prompt: "hi"}, Answer{Text: "Hello!", FinishReason: "stop"}, ""},
		"nothing at all":                                 {Input{Prompt: "hi"}, Answer{FinishReason: "stop"}, "empty"},
		"white space and zero-width characters":          {Input{Prompt: "hi"}, Answer{Text: " \n\u200b\ufeff", FinishReason: "stop"}, "empty"},
		"only thinking, in the text":                     {Input{Prompt: "hi"}, Answer{Text: "<think>hm</think>\n", FinishReason: "stop"}, "empty"},
		"thinking, then an answer":                       {Input{Prompt: "hi"}, Answer{Text: "<think>hm</think>\nHello", FinishReason: "stop"}, ""},
		"only tool calls":                                {Input{Prompt: "hi"}, Answer{ToolCalls: call, FinishReason: "tool_calls"}, ""},
		"sound instead of text":                          {Input{Prompt: "hi"}, Answer{Media: true, FinishReason: "stop"}, ""},
		"a stop sequence at once":                        {Input{Prompt: "hi", Stops: true}, Answer{FinishReason: "stop"}, ""},
		"silence was asked for":                          {Input{Prompt: "If there is no error, say nothing."}, Answer{FinishReason: "stop"}, ""},
		"silence was asked for, in Chinese":              {Input{Prompt: "没有错误就不要输出"}, Answer{FinishReason: "stop"}, ""},
		"all tokens went into thinking":                  {Input{Prompt: "hi"}, Answer{Thought: true, FinishReason: "length"}, "empty+truncated"},
		"all of the client's tokens went into thinking":  {Input{Prompt: "hi", MaxTokens: 500}, Answer{Thought: true, FinishReason: "length", Tokens: 500}, "empty"},
		"a probe with one token":                         {Input{Prompt: "hi", MaxTokens: 1}, Answer{FinishReason: "length", Tokens: 1}, ""},
		"cut, the client set no limit":                   {Input{Prompt: "hi"}, Answer{Text: "Once upon", FinishReason: "length"}, "truncated"},
		"cut by the client's limit":                      {Input{Prompt: "hi", MaxTokens: 50}, Answer{Text: "Once upon", FinishReason: "length", Tokens: 50}, ""},
		"cut by the client's limit, tokens not known":    {Input{Prompt: "hi", MaxTokens: 50}, Answer{Text: "Once upon", FinishReason: "length"}, ""},
		"cut far below the client's limit":               {Input{Prompt: "hi", MaxTokens: 8000}, Answer{Text: "Once upon", FinishReason: "length", Tokens: 4096}, "truncated"},
		"cut, in another dialect":                        {Input{Prompt: "hi"}, Answer{Text: "Once upon", FinishReason: "MAX_TOKENS"}, "truncated"},
		"the upstream gave up":                           {Input{Prompt: "hi", MaxTokens: 5}, Answer{Text: "Once upon", FinishReason: "insufficient_system_resource"}, "truncated"},
		"a finish reason that nobody knows":              {Input{Prompt: "hi"}, Answer{Text: "Once upon", FinishReason: "eos"}, ""},
		"filtered, with nothing":                         {Input{Prompt: "hi"}, Answer{FinishReason: "content_filter"}, "refused"},
		"filtered, half-way":                             {Input{Prompt: "hi"}, Answer{Text: "Once upon", FinishReason: "content_filter"}, "refused"},
		"the refusal field":                              {Input{Prompt: "hi", JSONObject: true}, Answer{Refusal: "No.", FinishReason: "stop"}, "refused"},
		"only the finish reason of what was not kept":    {Input{Prompt: "hi", JSONObject: true}, Answer{Text: "{", FinishReason: "stop", Partial: true}, ""},
		"cut JSON has one finding":                       {Input{Prompt: "hi", JSONObject: true}, Answer{Text: `{"a":`, FinishReason: "length"}, "truncated"},
		"JSON cut by the client's limit was asked for":   {Input{Prompt: "hi", JSONObject: true, MaxTokens: 3}, Answer{Text: `{"a":`, FinishReason: "length", Tokens: 3}, ""},
		"a stop sequence may have cut the JSON":          {Input{Prompt: "hi", JSONObject: true, Stops: true}, Answer{Text: `{"a":1`, FinishReason: "stop"}, ""},
		"no stop sequence makes prose of JSON":           {Input{Prompt: "hi", JSONObject: true, Stops: true}, Answer{Text: `Here it is`, FinishReason: "stop"}, "malformed"},
		"calls cut by the client's limit were asked for": {Input{Prompt: "hi", MaxTokens: 3}, Answer{ToolCalls: []ToolCall{{"f", "{"}}, FinishReason: "length", Tokens: 3}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defects(c.in, c.a); got != c.want {
				t.Errorf("found %q; want %q", got, c.want)
			}
		})
	}
}

func TestChecksCanBeTurnedOff(t *testing.T) {
	a := Answer{Thought: true, FinishReason: "length"}
	got := New(Checks{Off: []Defect{Empty}}).Assess(Input{}, a)
	if diff := cmp.Diff([]Finding{{Truncated, "cut by the upstream's limit; the client set none"}}, got); diff != "" {
		t.Errorf("findings with empty off (-want +got):\n%s", diff)
	}
	if got := New(Checks{Off: Defects}).Assess(Input{}, a); got != nil {
		t.Errorf("everything off, but found %v", got)
	}
}

func TestLanguageIsThatOfTheUser(t *testing.T) {
	code := "```python\n" + strings.Repeat("# the list of the items that are in it\nprint(x)\n", 20) + "```\n"
	for name, c := range map[string]struct {
		in   Input
		text string
		want string
	}{
		"Chinese, answered in Chinese":             {Input{Prompt: zhPrompt}, zhText, ""},
		"English, answered in English":             {Input{Prompt: enPrompt}, enText, ""},
		"Chinese, answered in English":             {Input{Prompt: zhPrompt}, enText, "wrong_language"},
		"English, answered in Chinese":             {Input{Prompt: enPrompt}, zhText, "wrong_language"},
		"a short answer":                           {Input{Prompt: zhPrompt}, "The Great Wall.", ""},
		"code alone":                               {Input{Prompt: "请用 Python 写一个打印列表的程序并加上注释"}, code, ""},
		"code for a coding intent, without fences": {Input{Prompt: zhPrompt, Intent: classifier.CodeGeneration}, enText, ""},
		"asked for English":                        {Input{Prompt: zhPrompt + "请用英文回答。"}, enText, ""},
		"asked for English, answered in Chinese":   {Input{Prompt: zhPrompt + "请用英文回答。"}, zhText, "wrong_language"},
		"asked for Chinese":                        {Input{Prompt: enPrompt + " Answer in Chinese."}, zhText, ""},
		"asked for Chinese, answered in English":   {Input{Prompt: enPrompt + " Answer in Chinese."}, enText, "wrong_language"},
		"translate into Chinese":                   {Input{Prompt: "Translate the following into Chinese:\n" + enText}, zhText, ""},
		"both languages are named":                 {Input{Prompt: "Explain the idiom in English, then translate the explanation into Chinese."}, zhText, ""},
		"another language is named":                {Input{Prompt: "Translate into French, German and Japanese: good morning to all of you"}, zhText, ""},
		"pinyin":                                   {Input{Prompt: "ni hao, qing jie shao yi xia beijing de li shi he jing dian"}, zhText, ""},
		"a question about a text in English":       {Input{Prompt: "总结下文：\n" + enText}, enText, ""},
		"the system prompt fixes the language":     {Input{System: "Always answer in English.", Prompt: zhPrompt}, enText, ""},
		"the system prompt is in Chinese":          {Input{System: "你是旅行助手。", Prompt: enPrompt}, zhText, ""},
		"the system prompt is in English":          {Input{System: "You are a travel assistant.", Prompt: zhPrompt}, enText, "wrong_language"},
		"an earlier turn fixed the language":       {Input{Earlier: "从现在起请用英语和我交流", Prompt: zhPrompt}, enText, ""},
		"an earlier turn was in English":           {Input{Earlier: enPrompt, Prompt: zhPrompt}, enText, ""},
		"Japanese is not decided":                  {Input{Prompt: enPrompt}, strings.Repeat("北京は中国の首都で、長い歴史を持つ都市です。故宮や万里の長城が有名です。", 3), ""},
		"JSON has no language":                     {Input{Prompt: zhPrompt, JSONObject: true}, `{"answer":"` + enText + `"}`, ""},
		"a prompt for a painter":                   {Input{Prompt: "帮我写一个画宇航员的提示词"}, enText, ""},
		"a mail abroad":                            {Input{Prompt: "给John写一封邮件，说会议改到周五"}, enText, ""},
		"an original":                              {Input{Prompt: "给我背一段葛底斯堡演说的原文"}, enText, ""},
		"a Chinese original":                       {Input{Prompt: "Give me the full text of the sutra in its original form"}, zhText, ""},
		"formulas are not English": {Input{Prompt: "求函数的导数并化简，写出每一步的结果"}, list(12, func(i int) string {
			return fmt.Sprintf(`\frac{d}{dx} \sin %dx = %d\cos %dx, \quad f_{%d}(x) = a x^%d + b x \implies x = y `, i, i, i, i, i+1)
		}), ""},
		"mixed answers are not decided": {Input{Prompt: zhPrompt}, enText + zhText, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := defects(c.in, Answer{Text: c.text, FinishReason: "stop"})
			if got != c.want {
				t.Errorf("found %q; want %q", got, c.want)
			}
		})
	}
}
