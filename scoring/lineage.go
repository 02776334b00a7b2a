package scoring

import (
	"strings"
	"unicode"
)

// chineseMakers are the first words of the names of families made in China.
// The list matters only for the Chinese/Western offset of a benchmark.
var chineseMakers = func() map[string]bool {
	set := map[string]bool{}
	for _, m := range strings.Fields(`qwen qwq codeqwen tongyi deepseek glm chatglm kimi moonshot doubao skylark seed
		ernie hunyuan hy minimax yi baichuan internlm step spark sensechat xverse yayi telechat aquila aquilachat
		ling ring longcat mimo intern minicpm moss bluelm orionstar kwaiyii kat mengzi nanbeige tencent vivo
		andesgpt andeslm chinese quarkllm zhilu skywork tigerbot batgpt cpm educhat erlangshen
		jiutian mobvoi moyu pci sagegpt unigpt xuanyuan yulan yuren opencoder dlm dfm mind milm westlakelm`) {
		set[m] = true
	}
	return set
}()

// sameMaker joins names under which one maker's families go.
var sameMaker = map[string]string{
	"o": "gpt", "chatgpt": "gpt", "codestral": "mistral", "ministral": "mistral", "mixtral": "mistral",
	"magistral": "mistral", "devstral": "mistral", "pixtral": "mistral", "qwq": "qwen", "codeqwen": "qwen",
	"tongyi": "qwen", "chatglm": "glm", "moonshot": "kimi", "skylark": "doubao", "seed": "doubao", "codellama": "llama",
}

// makerOf gives the maker's name as the family's name tells it: its first word
// without digits, aliases joined.
func makerOf(family string) string {
	word := family
	if i := strings.IndexFunc(family, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word = family[:i]
	}
	if to, ok := sameMaker[word]; ok {
		return to
	}
	return word
}

// lineOf gives the product line and generation: the name up to its first
// number, that number's whole part included ("claude-opus-4" of
// "claude-opus-4.6"). Siblings in a line are the best guess for a family of
// which nothing is published.
func lineOf(family string) string {
	start := strings.IndexFunc(family, unicode.IsDigit)
	if start < 0 {
		return family
	}
	rest := family[start:]
	if n := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsDigit(r) }); n >= 0 {
		rest = rest[:n]
	}
	return family[:start] + rest
}

// origin codes the maker's home: +0.5 China, -0.5 elsewhere. A maker not in
// the list whose families appear on Chinese boards only counts as Chinese.
func origin(family string, onlyChineseBoards bool) float64 {
	first := family
	if i := strings.IndexFunc(family, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		first = family[:i]
	}
	if chineseMakers[first] || onlyChineseBoards {
		return 0.5
	}
	return -0.5
}
