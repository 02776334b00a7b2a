package router

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"github.com/pkoukk/tiktoken-go"
	tiktokenloader "github.com/pkoukk/tiktoken-go-loader"
)

// library is the published library, whose counts ours must equal. It is slow,
// and its time grows with the square of a word's length.
var library = sync.OnceValue(func() *tiktoken.Tiktoken {
	tiktoken.SetBpeLoader(tiktokenloader.NewOfflineLoader())
	enc, err := tiktoken.GetEncoding("o200k_base")
	if err != nil {
		panic(err)
	}
	return enc
})

// splitPattern is o200k_base's, as its makers publish it.
var splitPattern = regexp2.MustCompile(strings.Join([]string{
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
	`\p{N}{1,3}`,
	` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
	`\s*[\r\n]+`,
	`\s+(?!\S)`,
	`\s+`,
}, "|"), regexp2.None)

func piecesByPattern(t testing.TB, text string) (pieces []string) {
	t.Helper()
	m, err := splitPattern.FindStringMatch(text)
	for ; m != nil; m, err = splitPattern.FindNextMatch(m) {
		pieces = append(pieces, m.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	return pieces
}

func piecesOf(text string) (pieces []string) {
	for len(text) > 0 {
		end := pieceEnd(text)
		pieces = append(pieces, text[:end])
		text = text[end:]
	}
	return pieces
}

// requireSame fails unless text is cut as by the pattern and counted as by the
// library, at first and once its pieces are remembered.
func requireSame(t testing.TB, tk *Tokens, text string) {
	t.Helper()
	valid := string([]rune(text))
	if got, want := piecesOf(valid), piecesByPattern(t, valid); !slices.Equal(got, want) {
		t.Fatalf("%+q is cut into\n%+q, the pattern says\n%+q", text, got, want)
	}
	want := int64(len(library().EncodeOrdinary(text)))
	for _, when := range []string{"at first", "again"} {
		if got := tk.Count(text); got != want {
			t.Fatalf("%+q, %s: %d tokens, the library says %d", text, when, got, want)
		}
	}
}

// splitSamples has two of everything that the pattern tells apart, and of what
// might be mistaken for it.
var splitSamples = []string{
	"a", "s", "re", "ll", "z", "LL", "Ve", "K", // ASCII, ends of contractions
	"A", "É", "Ω", "𝐀", "ß", "ж", "ſ", "İ", "\u212a", // Lu, Ll, and letters that fold into ASCII
	"ǅ", "ᾈ", "ʰ", "ー", "々", "中", "あ", "한", "א", "ก", "𠀀", "ª", // Lt, Lm, Lo
	"\u0301", "\u0903", "\u20dd", "\u3099", "\ufe0f", "\U000e0101", // Mn, Mc, Me
	"0", "7", "٣", "५", "９", "Ⅷ", "〇", "½", "²", "𝟙", // Nd, Nl, No
	" ", "  ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u3000",
	"\u200b", "\u200d", "\u2060", "\ufeff", "\u180e", "\x00", "\x7f", "\u0378", "\ue000", // Cf, Cc, Cn, Co
	"'", "’", "＇", "'s", "'S", "'LL", "'re", "'Ve", "'ſ", "/", "//", "/\n", ".", "_", "-", "$", "€", "^", "。", "，", "「", "😀", "👩‍👩‍👧", "🇨🇳",
	"\xff", "\xe4\xb8", "\xed\xa0\x80", "\xc0\x80", "<|endoftext|>",
}

func TestEveryPairOfKindsIsCutAsByThePattern(t *testing.T) {
	tk := tokens()
	var all strings.Builder
	for _, a := range splitSamples {
		for _, b := range splitSamples {
			requireSame(t, tk, a+b)
			for _, c := range []string{"a", "B", "中", "\u0301", "1", " ", "\n", "'s", "!"} {
				all.WriteString(a + b + c)
			}
		}
		requireSame(t, tk, all.String())
		all.Reset()
	}
}

// Strings of tokens have what merging could stumble over: unions of every rank,
// characters that are cut by tokens, long pieces.
func TestStringsOfTokensCountAsByTheLibrary(t *testing.T) {
	tk := &Tokens{vocabulary: tokens().vocabulary, memo: newPieceMemo()}
	kinds := map[string][]string{}
	for token := range tk.vocabulary.ranks {
		switch {
		case !utf8.ValidString(token):
			kinds["cut"] = append(kinds["cut"], token)
		case len(token) != utf8.RuneCountInString(token):
			kinds["wide"] = append(kinds["wide"], token)
			if utf8.RuneLen([]rune(token)[0]) == 3 && unicode.Is(unicode.Han, []rune(token)[0]) {
				kinds["han"] = append(kinds["han"], token)
			}
		default:
			kinds["ascii"] = append(kinds["ascii"], token)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, tokens := range kinds {
		slices.Sort(tokens)
	}
	for round := range 3000 {
		var b strings.Builder
		for range 1 + rnd.IntN(40) {
			tokens := kinds[[]string{"han", "wide", "ascii", "cut"}[rnd.IntN(1+round%4)]]
			b.WriteString(tokens[rnd.IntN(len(tokens))])
		}
		requireSame(t, tk, b.String())
	}
}

// Merging may begin with whole characters only where no token cuts them: what
// each token cuts off is completed by characters that are made whole elsewhere,
// one in 400 ways.
func TestTokensThatCutCharactersAreMergedAsByTheLibrary(t *testing.T) {
	tk := tokens()
	var wide []string
	for r := rune(0x80); r < 0x10000; r++ {
		if has(&tk.vocabulary.wholes.made, int(r)) {
			wide = append(wide, string(r))
		}
	}
	ways := 0
	for _, token := range slices.Sorted(maps.Keys(tk.vocabulary.ranks)) {
		if utf8.ValidString(token) || len(token) < 3 {
			continue
		}
		for _, r := range wide {
			for i := 1; i < len(r); i++ {
				for _, text := range []string{token + r[i:], r[:i] + token} {
					if !utf8.ValidString(text) {
						continue
					}
					if ways++; ways%400 == 0 {
						requireSame(t, tk, "天"+text+"气")
					}
				}
			}
		}
	}
	if len(wide) < 4000 || ways < 1e6 {
		t.Errorf("%d characters are made whole, %d ways to complete one", len(wide), ways)
	}
}

func TestClassesAreThoseOfUnicode(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if 0xd800 <= r && r < 0xe000 {
			continue // not in UTF-8
		}
		var want charClass
		for _, k := range []struct {
			is    bool
			class charClass
		}{
			{unicode.In(r, unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M), charUpper},
			{unicode.In(r, unicode.Ll, unicode.Lm, unicode.Lo, unicode.M), charLower},
			{unicode.Is(unicode.L, r), charLetter}, {unicode.Is(unicode.N, r), charNumber},
			{unicode.IsSpace(r), charSpace}, {r == '\r' || r == '\n', charEOL},
		} {
			if k.is {
				want |= k.class
			}
		}
		if got, w := classAt(string(r), 0); got != want || w != len(string(r)) {
			t.Fatalf("U+%04X: class %06b and width %d, want %06b and %d", r, got, w, want, len(string(r)))
		}
	}
}

// FuzzSplit holds cuts and counts against the pattern and the library.
func FuzzSplit(f *testing.F) {
	for _, s := range splitSamples {
		f.Add(s)
		f.Add("a" + s + s + "B'S" + s)
	}
	for _, s := range []string{"", "I'LL don'T we'Ve", "HTTPServer's XMLHttp中文ABC", "a\r\n \r\n\t b", "x = 3.14159//\n\n/y",
		"\u0301A\u0301B", " \u3000\u3000你好　世界", strings.Repeat("ab", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			t.Skip("the library takes quadratic time")
		}
		requireSame(t, tokens(), text)
	})
}
