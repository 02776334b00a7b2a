package router

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchTexts are repeated to the length wanted.
var benchTexts = []struct{ name, text string }{
	{"english", `Dear all, I've been asked to summarise what we learned from last quarter's migration. Most services moved over
without trouble, but the billing export didn't: it silently dropped rows whose currency was unknown, and nobody noticed until the
auditors compared 14,212 invoices with the ledger. Could you explain, in two or three paragraphs, how such a failure might have been
found earlier, which checks you'd recommend, and whether they're worth their cost? Please don't use bullet points. `},
	{"chinese", `请根据以下材料，分析造成这次事故的主要原因，并提出三条切实可行的改进措施。上个季度，我们把结算系统迁移到了新的平台，
大部分服务运行正常，但是导出账单的程序悄悄丢掉了货币种类不明的记录，直到审计人员把一万四千二百一十二张发票与总账逐一核对时才被发现。
要求：观点明确，条理清楚，语言流畅，字数不少于800字，不要抄袭。`},
	{"code", `func (t *Table) Candidates(q Query) ([]Candidate, error) {
	var out []Candidate
	for i, m := range t.models {
		if m.MaxInput > 0 && q.Tokens > int64(m.MaxInput) { // too long
			continue
		}
		out = append(out, Candidate{Model: m.ID, Cost: t.prices[i].Of(q.Usage), P: 1 / (1 + math.Exp(-(m.Theta - q.B)))})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: none of %d models takes %d tokens", ErrNoCandidate, len(t.models), q.Tokens)
	}
	return out, nil
}
`},
}

func cutTo(text string, n int) string {
	text = strings.Repeat(text, n/len(text)+1)
	return text[:runeStart(text, n)]
}

// cpuTime is what this process has used of its processors: beside other work
// it says more than the clock.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timeRounds gives the processor time of one round of do, over 100 ms or more.
func timeRounds(t testing.TB, do func()) float64 {
	t.Helper()
	rounds := 0
	for begun := cpuTime(t); ; {
		do()
		rounds++
		if used := cpuTime(t) - begun; used > 100*time.Millisecond {
			return float64(used) / float64(rounds)
		}
	}
}

// againstLibrary times count for all texts and reports how many times the
// processor time the library takes, measured before and after.
func againstLibrary(b *testing.B, count func(string), texts ...string) {
	var bytes int64
	for _, text := range texts {
		bytes += int64(len(text))
	}
	ofLibrary := func() {
		for _, text := range texts {
			library().EncodeOrdinary(text)
		}
	}
	library()
	before := timeRounds(b, ofLibrary)
	b.SetBytes(bytes)
	b.ReportAllocs()
	begun := cpuTime(b)
	for b.Loop() {
		for _, text := range texts {
			count(text)
		}
	}
	ours := float64(cpuTime(b)-begun) / float64(b.N)
	b.ReportMetric((before+timeRounds(b, ofLibrary))/2/ours, "x-library")
}

// BenchmarkCount counts one text over and over ("known": its pieces are
// remembered) and as if each piece had never been seen ("new").
func BenchmarkCount(b *testing.B) {
	tk := tokens()
	for _, sample := range benchTexts {
		for _, n := range []int{100, 500, 2000, 16000} {
			text := cutTo(sample.text, n)
			b.Run(fmt.Sprintf("%s-%d/known", sample.name, n), func(b *testing.B) {
				againstLibrary(b, func(s string) { tk.Count(s) }, text)
			})
			b.Run(fmt.Sprintf("%s-%d/new", sample.name, n), func(b *testing.B) {
				againstLibrary(b, func(s string) { countUnremembered(tk, s) }, text)
			})
		}
	}
}

func countUnremembered(t *Tokens, text string) (n int64) {
	for len(text) > 0 {
		end := pieceEnd(text)
		n += t.vocabulary.count(text[:end])
		text = text[end:]
	}
	return n
}

// BenchmarkRealPrompts goes through real prompts of 100 to 2,000 bytes, none
// twice until all were counted. The memo is emptied before each round.
func BenchmarkRealPrompts(b *testing.B) {
	texts := map[string][]string{}
	for _, file := range promptFiles(b) {
		for _, p := range readPrompts(b, file, 25) {
			name := p.Lang
			if base := filepath.Base(file); strings.HasPrefix(base, "leetcode") || strings.HasPrefix(base, "zeroeval_crux") {
				name = "code"
			}
			if n := len(p.Prompt); 100 <= n && n <= 2000 {
				texts[name] = append(texts[name], p.Prompt)
			}
		}
	}
	for _, name := range []string{"en", "zh", "code"} {
		b.Run(fmt.Sprintf("%s-%d", name, len(texts[name])), func(b *testing.B) {
			tk := &Tokens{vocabulary: tokens().vocabulary, memo: newPieceMemo()}
			all := texts[name]
			againstLibrary(b, func(s string) {
				if s == all[0] {
					clear(tk.memo.slots[:])
				}
				tk.Count(s)
			}, all...)
		})
	}
}

// BenchmarkHostile counts what costs most: long pieces that are no tokens.
func BenchmarkHostile(b *testing.B) {
	tk := tokens()
	letters := make([]byte, exactBytes)
	state := uint32(1)
	for i := range letters {
		state = state*1664525 + 1013904223
		letters[i] = 'a' + byte(state>>16)%26
	}
	for name, text := range map[string]string{
		"a": strings.Repeat("a", exactBytes), "letters": string(letters), "ideographs": strings.Repeat("好天气", exactBytes/9),
		"signs": strings.Repeat("=-", exactBytes/2), "spaces": strings.Repeat(" ", exactBytes), "accents": strings.Repeat("\u0301", exactBytes/2),
		"not UTF-8": strings.Repeat("\xff", exactBytes/3), "prose": cutTo(benchTexts[0].text, exactBytes),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tk.Count(text)
			}
		})
	}
}
