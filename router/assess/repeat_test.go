package assess

import (
	"fmt"
	"strings"
	"testing"

	"assay/classifier"
)

// list joins what f makes of 1 to n.
func list(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i + 1))
	}
	return b.String()
}

func TestLoopsAreFoundAndFormIsNot(t *testing.T) {
	refrain := "And the river runs on, and the river runs on,\nand nobody knows where the river has gone.\n"
	song := list(5, func(i int) string {
		verses := []string{"The mill by the meadow stood still in the rain,\nthe miller went out and he came not again.\n", "A boat on the water, a light on the shore,\na voice that was calling is calling no more.\n",
			"The winter came early, the summer came late,\nthe children were waiting in front of the gate.\n", "They built us a bridge of the stone and the pine,\nand one side is yours and the other is mine.\n", "So sing for the miller and sing for the boat,\nand sing for the swan with the snow on his coat.\n"}
		return verses[i-1] + refrain
	})
	weeks := list(12, func(i int) string {
		return fmt.Sprintf("Week %d\nMonday: rest. Tuesday: run for five kilometres. Wednesday: swim for thirty minutes. Thursday: run at a steady pace. Friday: rest. Saturday: stretch and do core work. Sunday: long run.\n", i)
	})
	for name, c := range map[string]struct {
		in     Input
		text   string
		finish string
		want   string
	}{
		"a sentence without end":          {Input{}, enText + strings.Repeat(" The answer is therefore not among the choices.", 10), "stop", "repetitive"},
		"a sentence without end, Chinese": {Input{}, zhText + strings.Repeat("因此答案不在选项之中。", 15), "stop", "repetitive"},
		"a loop that the limit ended":     {Input{MaxTokens: 400}, enText + strings.Repeat(" We must go on and on with this.", 6) + " We must", "length", "repetitive"},
		"one letter":                      {Input{}, "Help: " + strings.Repeat("a", 600), "stop", "repetitive"},
		"one Han character":               {Input{}, strings.Repeat("哈", 300), "stop", "repetitive"},
		"white space up to the limit":     {Input{MaxTokens: 900}, enText + strings.Repeat("\n", 400), "length", "repetitive"},
		"digits up to the limit":          {Input{MaxTokens: 900}, "One third is 0." + strings.Repeat("3", 800), "length", "repetitive"},
		"like sentences that count": {Input{}, list(80, func(i int) string {
			return fmt.Sprintf("However, the patient of case %d has been given the wrong medicine, and so we try again.\n", i)
		}), "stop", ""},
		"asked for":                        {Input{Prompt: "Repeat the sentence below."}, strings.Repeat("I must not talk in class, ever. ", 50), "stop", ""},
		"asked for fifty times":            {Input{Prompt: "Write 'I must not talk in class.' 50 times"}, strings.Repeat("I must not talk in class. ", 50), "stop", ""},
		"asked for in Chinese":             {Input{Prompt: "把“我爱学习”写100遍"}, strings.Repeat("我爱学习", 100), "stop", ""},
		"the prompt repeats itself":        {Input{Prompt: "Count the words: " + strings.Repeat("buffalo and bison ", 30)}, strings.Repeat("buffalo and bison ", 30), "stop", ""},
		"digits that end by themselves":    {Input{Prompt: "googol"}, "1" + strings.Repeat("0", 1000), "stop", ""},
		"asked for in words":               {Input{Prompt: "Write I will not talk in class fifty times"}, strings.Repeat("I will not talk in class.\n", 50), "stop", ""},
		"what a loop prints":               {Input{Prompt: "What does this print? for i in range(30): print('hello world')"}, strings.Repeat("hello world\n", 30), "stop", ""},
		"a form to fill in":                {Input{Prompt: "A sign-in sheet for our guests"}, strings.Repeat("Name: ____________ Date: ________\n", 12), "stop", ""},
		"a form to fill in, Chinese":       {Input{Prompt: "做一个签到表"}, strings.Repeat("姓名：________ 日期：________\n", 12), "stop", ""},
		"chords":                           {Input{Prompt: "Am, F, C and G to practise"}, strings.Repeat("Am F C G Em D\n", 20), "stop", ""},
		"a plan of equal weeks":            {Input{Prompt: "A fitness plan for 12 weeks"}, weeks, "stop", ""},
		"equal weeks nobody asked for":     {Input{Prompt: "What keeps me fit?"}, weeks, "stop", "repetitive"},
		"a poem with a refrain":            {Input{}, song, "stop", ""},
		"a list of numbers":                {Input{}, list(500, func(i int) string { return fmt.Sprintf("%d, ", i) }), "stop", ""},
		"a table":                          {Input{}, "| a | b |\n|---|---|\n" + list(80, func(i int) string { return fmt.Sprintf("| item | in stock | %d |\n", i%3) }), "stop", ""},
		"a table of the same rows":         {Input{}, strings.Repeat("| nothing to report | none |\n", 40), "stop", ""},
		"a rule of dashes":                 {Input{}, enText + "\n" + strings.Repeat("-", 300), "stop", ""},
		"code":                             {Input{}, "```c\n" + strings.Repeat("    process_item(next_item());\n", 60) + "```", "stop", ""},
		"JSON that was asked for":          {Input{JSONObject: true}, "[" + strings.Repeat(`{"name":"nobody","age":null},`, 40) + "1]", "stop", ""},
		"JSON that was not":                {Input{}, "[" + strings.Repeat(`{"name":"nobody","age":null},`, 40) + "1]", "stop", ""},
		"JSON without end":                 {Input{JSONObject: true, MaxTokens: 900}, "[" + strings.Repeat(`{"name":"nobody","age":null},`, 40), "length", "repetitive"},
		"code without a fence":             {Input{Intent: classifier.CodeGeneration}, strings.Repeat("    process_item(next_item());\n", 60), "stop", ""},
		"code that the limit ended":        {Input{MaxTokens: 900}, "```c\n" + strings.Repeat("    process_item(next_item());\n", 60), "length", "repetitive"},
		"three times is emphasis":          {Input{}, enText + strings.Repeat(" Never give up on what you have begun, whatever may come.", 3), "stop", ""},
		"prose of any length":              {Input{}, list(60, func(i int) string { return fmt.Sprintf("Chapter %d tells of %d ships and of case %d. ", i, i*i, i*7) }), "stop", ""},
		"an options list of like sentence": {Input{}, list(10, func(i int) string { return fmt.Sprintf("(%c) is wrong because the passage does not say so. ", 'A'+i) }), "stop", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defects(c.in, Answer{Text: c.text, FinishReason: c.finish}); got != c.want {
				t.Errorf("found %q; want %q", got, c.want)
			}
		})
	}
}

func TestLoopFindsPieceAndLength(t *testing.T) {
	for text, want := range map[string][2]int{
		"":                                 {0, 0},
		"abcabc":                           {0, 0},
		"xyabcabcabcabc":                   {3, 12},
		"xybcabcabcabcabc":                 {3, 14},
		"aaaa":                             {1, 4},
		"the end " + "no. no. no. no. no.": {4, 19},
	} {
		var buf []int32
		period, length := loop(text, &buf)
		// The piece before may lend its last characters to the loop.
		if period != want[0] || length < want[1] || length > want[1]+1 {
			t.Errorf("loop of %q: piece %d, length %d; want %v", text, period, length, want)
		}
	}
}
