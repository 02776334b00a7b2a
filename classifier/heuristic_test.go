package classifier

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHeuristic(t *testing.T) {
	tests := []struct {
		prompt string
		intent Intent
		lo, hi Level
		lang   string
	}{
		{"hi", Chitchat, L1, L1, "en"},
		{"Hello there!", Chitchat, L1, L1, "en"},
		{"你好", Chitchat, L1, L1, "zh"},
		{"谢谢你！", Chitchat, L1, L1, "zh"},
		{"What is the capital of France?", KnowledgeQA, L1, L2, "en"},
		{"为什么天空是蓝色的？", KnowledgeQA, L1, L2, "zh"},
		{"Translate to German: good morning, my friend", Translation, L1, L2, "en"},
		{"把这句话翻译成英文：我爱你", Translation, L1, L2, "zh"},
		{"Summarize the following article in three sentences: ...", Summarization, L1, L2, "en"},
		{"请概括下面这段话的主要内容", Summarization, L1, L2, "zh"},
		{"Please rewrite this sentence in a formal tone: gimme the report", RewriteEdit, L1, L2, "en"},
		{"帮我润色一下这封邮件", RewriteEdit, L1, L2, "zh"},
		{"Write a Python function that reverses a string", CodeGeneration, L1, L3, "en"},
		{"用Python写一个冒泡排序的函数", CodeGeneration, L1, L3, "zh"},
		{"What does this code do?\n```\nfor i in range(3): print(i)\n```", CodeUnderstanding, L1, L3, "en"},
		{"这段代码有什么问题？", CodeUnderstanding, L1, L3, "zh"},
		{"Calculate 17 * 23", Math, L1, L3, "en"},
		{"小明有5个苹果，又买了3个，一共有多少个？", Math, L1, L3, "zh"},
		{"Prove that there are infinitely many primes p with p ≡ 3 mod 4.", Math, L4, L5, "en"},
		{"证明：对任意正整数n，n^5-n能被30整除", Math, L4, L5, "zh"},
		{"A riddle: what has keys but opens no locks? Deduce it logically.", Reasoning, L1, L3, "en"},
		{"甲乙丙三人中只有一人说真话，请推理出谁在说谎", Reasoning, L1, L3, "zh"},
		{"Write a short poem about autumn", Writing, L1, L2, "en"},
		{"写一首关于秋天的诗", Writing, L1, L2, "zh"},
		{"According to the passage, who opened the door?", ReadingQA, L1, L2, "en"},
		{"阅读下面的材料，回答问题", ReadingQA, L1, L2, "zh"},
		{"Extract all dates from the text below", Extraction, L1, L2, "en"},
		{"提取以下文本中的人名", Extraction, L1, L2, "zh"},
		{"Classify the sentiment of this review: great phone", Classify, L1, L2, "en"},
		{"判断下面评论的情感倾向：质量太差了", Classify, L1, L2, "zh"},
		{"Should I learn Rust or Go first? Any advice?", AdviceBrainstorm, L1, L2, "en"},
		{"周末去杭州玩，有什么推荐吗", AdviceBrainstorm, L1, L2, "zh"},
		{"I want you to act as a travel guide", Roleplay, L1, L2, "en"},
		{"请扮演一位严厉的老师", Roleplay, L1, L2, "zh"},
		{"Set an alarm for 7am", ToolUse, L1, L2, "en"},
		{"帮我设个闹钟，明早七点", ToolUse, L1, L2, "zh"},
	}
	for _, tt := range tests {
		got := Heuristic(Prompt(tt.prompt))
		if got.Intent != tt.intent || got.Language != tt.lang {
			t.Errorf("%q: intent %s (%s), want %s (%s)", tt.prompt, got.Intent, got.Language, tt.intent, tt.lang)
		}
		if got.Level < tt.lo || got.Level > tt.hi {
			t.Errorf("%q: %s (b=%.2f), want %s to %s", tt.prompt, got.Level, got.Difficulty, tt.lo, tt.hi)
		}
		checkHeuristic(t, got)
	}
}

func TestHeuristicLooksBesideTheText(t *testing.T) {
	in := Prompt("the blue one, in size 42")
	if got := Heuristic(in).Intent; got == ToolUse {
		t.Errorf("without tools: %s", got)
	}
	in.Tools = 3
	if got := Heuristic(in).Intent; got != ToolUse {
		t.Errorf("with tools offered: %s, want %s", got, ToolUse)
	}
	image := Input{Messages: []Message{{Role: "user", Images: 1}}}
	if got := Heuristic(image).Intent; got != KnowledgeQA {
		t.Errorf("an image without a word: %s, want %s", got, KnowledgeQA)
	}
	proof := turns("Prove that every finite group of prime order is cyclic.", "Shall I?", "yes")
	if got := Heuristic(proof).Level; got < L4 {
		t.Errorf("a yes to a proof: %s, want at least L4", got)
	}
}

func TestHeuristicReadsHeadAndTailOfLongText(t *testing.T) {
	filler := strings.Repeat("The river was calm and the boats lay still. ", 2000)
	for _, prompt := range []string{"Summarize this article. " + filler, filler + "\nSummarize this article."} {
		if got := Heuristic(Prompt(prompt)).Intent; got != Summarization {
			t.Errorf("request at %d of %d bytes: %s, want %s", strings.Index(prompt, "Summ"), len(prompt), got, Summarization)
		}
	}
}

// checkHeuristic holds for every input: valid enumeration values, low
// confidence, level and difficulty that agree.
func checkHeuristic(t *testing.T, c Classification) {
	t.Helper()
	if _, err := ParseIntent(string(c.Intent)); err != nil {
		t.Error(err)
	}
	if c.IntentConfidence <= 0 || c.IntentConfidence > 0.5 {
		t.Errorf("confidence %v, want (0, 0.5]", c.IntentConfidence)
	}
	if LevelOf(c.Difficulty) != c.Level || c.Source != Heuristics || c.DifficultySD <= 0 {
		t.Errorf("inconsistent: %+v", c)
	}
}

func FuzzHeuristic(f *testing.F) {
	f.Add("证明 x", 1)
	f.Add("\xff\xfe```", -1)
	f.Fuzz(func(t *testing.T, s string, tools int) {
		in := Prompt(s)
		in.Tools = tools
		checkHeuristic(t, Heuristic(in))
		if out := headAndTail(s); len(out) > headBytes+tailBytes+1 && utf8.ValidString(s) {
			t.Errorf("headAndTail gave %d bytes", len(out))
		}
	})
}

func BenchmarkHeuristic(b *testing.B) {
	in := Prompt(strings.Repeat("What is the difference between TCP and UDP? ", 10))
	b.ReportAllocs()
	for b.Loop() {
		Heuristic(in)
	}
}
