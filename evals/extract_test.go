package evals

import (
	"math/big"
	"strings"
	"testing"
)

var four = []string{"8", "two birds", "24", "强迫休眠"}

func TestExtractChoice(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"bare letter", "B", "B"},
		{"bare lower-case letter", " c.\n", "C"},
		{"letter in brackets", "(D)", "D"},
		{"letter with its text", "C. 24", "C"},
		{"letter then reason", "D. it can't be A or B", "D"},
		{"answer line", "Let me think.\nAnswer: A", "A"},
		{"answer line in bold", "**Answer: B**", "B"},
		{"bold letter only", "Answer: **C**", "C"},
		{"the answer is", "So the answer is (C), since A fails.", "C"},
		{"filler words", "The answer is for sure D, it can't be A or B", "D"},
		{"I think the correct answer is", "thinking about it I think the correct answer is C", "C"},
		{"letter in prose after a verb", "The answer is A because of symmetry", "A"},
		{"other choices dismissed", "The answer is B and C is wrong", "B"},
		{"last statement wins", "The answer is A. Wait, no. The answer is B.", "B"},
		{"boxed", `Thus \boxed{\text{C}}`, "C"},
		{"boxed plain", `The answer is $\boxed{D}$.`, "D"},
		{"lower-case statement", "answer: b", "B"},
		{"called correct", "Option C is correct.", "C"},
		{"I choose", "I would choose option B", "B"},
		{"full-width letter", "答案：Ｂ", "B"},
		{"chinese statement", "答案是A", "A"},
		{"chinese statement, brackets", "正确答案为（D）。", "D"},
		{"chinese statement, option", "答案是选项C", "C"},
		{"chinese 故选", "A错误，B错误，故选C。", "C"},
		{"chinese 选", "综上，应选择D项", "D"},
		{"chinese letter then text", "D．强迫休眠", "D"},
		{"chinese called correct", "所以B选项是正确的", "B"},
		{"chinese negation is no answer", "不选A，选B", "B"},
		{"option named in analysis, then stated", "选项A不正确。选项B正确。因此答案是：B", "B"},
		{"letter alone on the last line", "Hm, tricky.\n\nC", "C"},
		{"text of a choice", "two birds", "B"},
		{"text of a choice in chinese", "答案是强迫休眠", "D"},
		{"lone letter", "Given the above it has to be C, I guess", "C"},
		{"thinking is not the answer", "<think>The answer is A</think>The answer is B", "B"},
		{"made-up next question is ignored", "Answer: B\n\nQuestion: next?\nA. x\nAnswer: D", "B"},

		{"hedge", "The answer is A or B", ""},
		{"chinese hedge", "答案是A、B", ""},
		{"article", "Answer: A dog is an animal", ""},
		{"article alone", "A square has four sides", ""},
		{"pronoun", "I do not know", ""},
		{"letter beyond the choices", "The answer is E", ""},
		{"letters inside words", "DNA and ABBA", ""},
		{"empty", "", ""},
		{"refusal", "I'm sorry, I cannot help with that.", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, tier, ok := ExtractChoice(c.text, four)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("ExtractChoice(%q) = %q, tier %d, %v; want %q", c.text, got, tier, ok, c.want)
			}
		})
	}
}

func TestExtractNumber(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"answer line", "6 + 12 = 18\nAnswer: 18", "18"},
		{"full stop is no decimal", "The answer is 18.", "18"},
		{"trailing zeros", "Answer: 18.00", "18"},
		{"dollars and thousands", "Answer: $1,234.50", "1234.5"},
		{"unit behind", "Answer: 42 apples", "42"},
		{"words before", "Answer: In 3 weeks she reads 480 pages", "480"},
		{"equation in the answer", "Answer: 9 * 2 = $18 every day", "18"},
		{"negative", "Answer: -7", "-7"},
		{"typographic minus", "Answer: −7", "-7"},
		{"negative dollars", "Answer: -$7", "-7"},
		{"subtraction is not a sign", "The answer is 10-5", "10"},
		{"percent", "Answer: 25%", "25"},
		{"fraction", "Answer: 3/4", "3/4"},
		{"latex fraction", `Answer: $\frac{3}{4}$`, "3/4"},
		{"boxed", `so \boxed{1{,}080}`, "1080"},
		{"boxed with unit", `\boxed{18\text{ dollars}}`, "18"},
		{"official mark", "Steps.\n#### 70,000", "70000"},
		{"recorded mark", "2 + 3 = 5\nA: 5", "5"},
		{"answer on the next line", "**Answer:**\n\n42", "42"},
		{"last statement wins", "The answer is 5. No: the answer is 6.", "6"},
		{"last number without a statement", "First 3, then 4, so 7 in all", "7"},
		{"decimal comma", "2,74 $", "2.74"},
		{"exponent", "Answer: 1.5e3", "1500"},
		{"chinese", "答案是：１２个", "12"},
		{"digits in names are none", "CO2 has 3 atoms", "3"},
		{"made-up next problem is ignored", "Answer: 5\n\nProblem: x?\nAnswer: 9", "5"},
		{"no number", "I cannot tell", ""},
		{"zero denominator", "1/0", ""},
		{"digits in a word only", "AZYUK2A", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, shown, ok := ExtractNumber(c.text)
			if c.want == "" {
				if ok {
					t.Fatalf("ExtractNumber(%q) = %s (%q), want none", c.text, got, shown)
				}
				return
			}
			want, _ := new(big.Rat).SetString(c.want)
			if !ok || got.Cmp(want) != 0 {
				t.Errorf("ExtractNumber(%q) = %v (%q), want %s", c.text, got, shown, c.want)
			}
		})
	}
}

func FuzzExtractChoice(f *testing.F) {
	for _, s := range []string{"Answer: B", "答案是A", `\boxed{C}`, "A or B", "<think>x</think> (d)", "Ｂ", "\xff\xfe A"} {
		f.Add(s, 4)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = 1 + (n%10+10)%10
		choices := strings.Split(strings.Repeat("x,", n-1)+"x", ",")
		letter, tier, ok := ExtractChoice(text, choices)
		if ok && (len(letter) != 1 || letter[0] < 'A' || int(letter[0]-'A') >= n || tier == 0) {
			t.Errorf("ExtractChoice(%q, %d choices) = %q, tier %d", text, n, letter, tier)
		}
		if !ok && letter != "" {
			t.Errorf("a letter %q without an answer", letter)
		}
	})
}

func FuzzExtractNumber(f *testing.F) {
	for _, s := range []string{"Answer: 1,000.50", "#### -3", `\boxed{\frac{1}{2}}`, "1e99", "9/0", "=.5=", "\xff1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, shown, ok := ExtractNumber(text)
		if ok != (v != nil) {
			t.Fatalf("value %v, found %v", v, ok)
		}
		if ok && !strings.ContainsAny(shown, "0123456789") {
			t.Errorf("%q is no number", shown)
		}
	})
}
