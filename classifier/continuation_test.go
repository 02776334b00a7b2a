package classifier

import (
	"strings"
	"testing"
)

func turns(texts ...string) Input {
	var in Input
	for i, t := range texts {
		role := "user"
		if i%2 == 1 {
			role = "assistant"
		}
		in.Messages = append(in.Messages, Message{Role: role, Text: t})
	}
	return in
}

func TestTask(t *testing.T) {
	const proof = "Prove that the square root of 2 is irrational."
	const poem = "写一首关于秋天的七言律诗"
	tests := []struct {
		rule string
		in   Input
		want string
	}{
		{"a single message is the task", Prompt(proof), proof},
		{"yes inherits", turns(proof, "Shall I be formal?", "yes"), proof},
		{"punctuation and case do not matter", turns(proof, "Formal?", "Yes, please!!! 👍"), proof},
		{"go on inherits", turns(proof, "First ...", "go on"), proof},
		{"keep going inherits", turns(proof, "First ...", "ok, keep going please"), proof},
		{"a choice by number inherits", turns(proof, "1 or 2?", "2"), proof},
		{"a choice by letter inherits", turns(proof, "A or B?", "B"), proof},
		{"the second one inherits", turns(proof, "Which?", "the second one"), proof},
		{"继续 inherits", turns(poem, "秋风……", "继续"), poem},
		{"assent in Chinese inherits", turns(poem, "要押平水韵吗？", "好的，请继续吧。"), poem},
		{"mixed scripts inherit", turns(poem, "秋风……", "ok 继续"), poem},
		{"第二个 inherits", turns(poem, "第一还是第二？", "第二个吧"), poem},
		{"continuations chain to the task", turns(proof, "x", "yes", "y", "continue", "z", "next"), proof},
		{"a new task is not a continuation", turns("hi", "hello", proof), proof},
		{"a short new task is not a continuation", turns(proof, "Done.", "translate it"), "translate it"},
		{"a short new Chinese task is not a continuation", turns(poem, "好了", "翻译成英文"), "翻译成英文"},
		{"thanks is small talk of its own", turns(proof, "Done.", "thanks"), "thanks"},
		{"谢谢 is small talk of its own", turns(poem, "好了", "谢谢你"), "谢谢你"},
		{"fillers alone do not continue", turns(proof, "Done.", "me and you"), "me and you"},
		{"yes with content is its own task", turns(proof, "Formal?", "yes but prove it for every prime"), "yes but prove it for every prime"},
		{"small talk is passed over", turns(proof, "Done.", "lol love it", "Go on?", "yes"), proof},
		{"Chinese small talk is passed over", turns(poem, "好了", "写得真好", "谢谢，继续吗？", "嗯"), poem},
		{"tools between question and answer are passed over", Input{Messages: []Message{
			{Role: "user", Text: proof}, {Role: "assistant", Text: "For which number?"}, {Role: "tool", Text: "x"},
			{Role: "user", Text: "seven"}}}, proof},
		{"a tool asks nothing", Input{Messages: []Message{
			{Role: "user", Text: proof}, {Role: "assistant", Text: "Done."}, {Role: "tool", Text: "Which one?"},
			{Role: "user", Text: "seven dwarfs"}}}, "seven dwarfs"},
		{"a user's own question is not answered", Input{Messages: []Message{
			{Role: "user", Text: "Which language?"}, {Role: "user", Text: "python"}}}, "python"},
		{"no answer without an earlier user message", Input{Messages: []Message{
			{Role: "assistant", Text: "Which language?"}, {Role: "user", Text: "python"}}}, "python"},
		{"only small talk before: that is inherited", turns("hi", "Shall I tell a joke?", "yes"), "hi"},
		{"small talk has no question to answer", turns("hi", "What shall I write?", "a haiku"), "a haiku"},
		{"nothing to inherit: stands for itself", Prompt("yes"), "yes"},
		{"only continuations: the last stands for itself", turns("ok", "?", "继续"), "继续"},
		{"the application's text is never the task", Input{Messages: []Message{
			{Role: "system", Text: "You are a poet."}, {Role: "user", Text: "hello"}}}, "hello"},
		{"a message of an image alone is passed over", Input{Messages: []Message{
			{Role: "user", Text: proof}, {Role: "user", Images: 1}}}, proof},
		{"tool results are passed over", Input{Messages: []Message{
			{Role: "user", Text: proof}, {Role: "assistant"}, {Role: "tool", Text: "42"}}}, proof},
		{"no user, no task", Input{Messages: []Message{{Role: "system", Text: "x"}}}, ""},
		{"no message, no task", Input{}, ""},
	}
	for _, tt := range tests {
		if got := tt.in.Task(); got != tt.want {
			t.Errorf("%s: Task() = %q, want %q", tt.rule, got, tt.want)
		}
	}
}

// Each line is what the user says after the task and after the assistant's
// "before"; it continues the task or is one of its own.
func TestContinuations(t *testing.T) {
	const tea = "List benefits and drawbacks of green tea in a story."
	const cha = "写一个故事，列出喝茶的好处和坏处"
	tests := []struct {
		rule         string
		task, before string
		continues    []string
		own          []string
	}{
		{"answers to a question", tea, "What tone, and how long?",
			[]string{"casual please", "about 300 words", "3 pages", "i don't know", "formal, thanks", "up to you"},
			[]string{"write a poem instead", "tell me a joke", "ok, then translate it", "what tones are there", "why",
				"casual?", "never mind", "lol", "thanks a lot", "hello", "please list the tones"}},
		{"answers to a Chinese question", cha, "请问您想要什么风格？",
			[]string{"古风", "幽默一点的", "给老师的", "500字左右", "随便", "都可以", "不知道"},
			[]string{"讲个笑话", "你是谁", "帮我翻译一句话", "哈哈哈", "算了", "有哪些风格", "古风？", "谢谢你"}},
		{"a plea or an example asks too", tea, "What topic would suit? (e.g. health)",
			[]string{"sports"}, []string{"explain sports"}},
		{"请告诉我 asks too", cha, "请告诉我您的年龄和体重。", []string{"35岁，80公斤"}, []string{"解释体重"}},
		{"an offer wants yes or no", tea, "Want me to add tests?",
			[]string{"yes, but short", "no, only comments", "yes add tests", "great", "yes please, thanks!", "add tests"},
			[]string{"weather in paris", "best pizza in chicago", "yes and write docs", "thanks, bye"}},
		{"a Chinese offer wants yes or no", cha, "需要我翻译吗？",
			[]string{"翻译吧", "加上吧", "要", "不用翻译", "好的，谢谢"}, []string{"红烧肉的做法", "好，再写一首诗"}},
		{"an invitation asks nothing of the task", tea, "Is there anything else I can help with?",
			[]string{"go on"}, []string{"capital of peru", "great, thanks"}},
		{"a Chinese invitation asks nothing of the task", cha, "请问还有什么可以帮您？",
			[]string{"继续"}, []string{"红烧肉的做法", "北京天气"}},
		{"a conditional plea asks nothing", tea, "Let me know if it is unclear.", nil, []string{"python decorators"}},
		{"a question in the middle asks nothing", tea, "Why? Because it is healthy.", nil, []string{"capital of peru"}},
		{"choices of options", tea, "1) Red dawn 2) Blue noon",
			[]string{"2", "the 2nd one", "2 i think", "number 2 sounds fun", "red dawn", "the blue one", "both", "#1"},
			[]string{"expand 2", "green", "why 2?", "blue?"}},
		{"choices of Chinese options", cha, "甲、红色；乙、蓝色",
			[]string{"甲", "选乙", "蓝色", "第二种", "选C", "都要", "另一个", "那就B吧", "最后那个"},
			[]string{"展开乙", "绿色", "为什么是甲"}},
		{"a number unasked may be a sum", tea, "Done.", []string{"2"}, []string{"1+1=?", "and 45?", "12*12", "good one"}},
		{"marks and emoji alone", tea, "Working on it.",
			[]string{"??", "...", "！！", "👍", "👌🏽"}, []string{"😂", "🙏", ":)", "+"}},
		{"complaints", tea, "Here it is.",
			[]string{"not working", "still the same error", "you stopped halfway", "tried that, no luck", "it got cut off", "try again"},
			[]string{"my wifi is not working", "not working, rewrite it in go", "that worked, thank you"}},
		{"Chinese complaints", cha, "写好了",
			[]string{"运行不了", "断了，接上", "再试一次", "重来", "还是报错", "不对", "没写完"},
			[]string{"我的电脑打不开", "不对，改成英文"}},
		{"impatience", tea, "One moment.", []string{"hurry", "hurry up!", "are you there?", "still waiting"}, []string{"hello"}},
		{"Chinese impatience", cha, "稍等", []string{"快点", "快点啊", "在吗", "写好了吗？", "人呢"}, []string{"你好"}},
		{"sloppy spelling", tea, "Part one.",
			[]string{"yess", "okk", "pls cotninue", "plz contnue", "go onn", "yeahhh"}, []string{"writing contest", "god"}},
		{"sloppy Chinese", cha, "第一段", []string{"嗯嗯", "好滴", "继续吧吧"}, []string{"嗯，翻译它"}},
		{"going on", tea, "Part one.",
			[]string{"anything else?", "got it, next", "more examples", "5 more", "finish the story", "what about the drawbacks?"},
			[]string{"more formal", "what about coffee?", "finish my homework", "summarize the story"}},
		{"Chinese going on", cha, "第一段",
			[]string{"后面的呢", "再来几个", "下一段", "继续写故事", "坏处呢", "写吧", "换一批"},
			[]string{"换成七言的", "那咖啡呢", "再写一个关于猫的", "下一句：学而时习之"}},
		{"thanks and praise unasked", tea, "Done.", []string{"ok", "great, go on"},
			[]string{"ok thanks", "great", "you're great", "haha cool", "ok bye"}},
		{"Chinese thanks and praise unasked", cha, "好了", []string{"好的", "很好，继续"},
			[]string{"好的，谢谢", "太棒了", "不用了", "好，再见"}},
	}
	for _, tt := range tests {
		for _, message := range tt.continues {
			if turns(tt.task, tt.before, message).Task() != tt.task {
				t.Errorf("%s: %q after %q is taken for a task", tt.rule, message, tt.before)
			}
		}
		for _, message := range tt.own {
			if turns(tt.task, tt.before, message).Task() != message {
				t.Errorf("%s: %q after %q is taken for a continuation", tt.rule, message, tt.before)
			}
		}
	}
}

// The kind of a phrase in two lists would depend on chance.
func TestPhrasesAreOfOneKind(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range strings.Fields(strings.Join([]string{fillerPhrases, thanksPhrases, praisePhrases, leavingPhrases,
		assentPhrases, choicePhrases, goingOnPhrases, complaintPhrases}, " ")) {
		if seen[p] {
			t.Errorf("%q stands twice", p)
		}
		if isHanWord(p) && len(p) > maxPhraseBytes {
			t.Errorf("%q is longer than maxPhraseBytes", p)
		}
		seen[p] = true
	}
}

func BenchmarkTask(b *testing.B) {
	long := strings.Repeat("A long passage of the assistant's. ", 1000)
	in := turns("Write a long story.", long+"Which hero?", "a fox")
	for range b.N {
		in.Task()
	}
}

func FuzzTask(f *testing.F) {
	f.Add("继续", "yes")
	f.Add("\xff\xfe", "’’")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := turns(a, "x", b).Task()
		if got != a && got != b && got != "" {
			t.Errorf("Task() = %q is neither message (%q, %q)", got, a, b)
		}
	})
}
