package classifier

import "testing"

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
