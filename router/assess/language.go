package assess

import (
	"regexp"
	"strings"

	"assay/classifier"
)

// language is one of the two that can be told apart by script alone.
type language int

const (
	undecided language = iota
	english
	chinese
)

// wrongLanguage says which language an answer is in and which was expected, ""
// if either is open. Only English and Chinese are decided, and only whole
// answers of some length.
func wrongLanguage(in Input, sh shape) string {
	got := spoken(sh)
	if got == undecided || in.Intent == classifier.CodeGeneration || in.Intent == classifier.CodeUnderstanding {
		return ""
	}
	switch want := expected(in); {
	case want == undecided || want == got:
		return ""
	case want == chinese:
		return "English instead of Chinese"
	}
	return "Chinese instead of English"
}

// spoken gives the language of an answer: Chinese with 60 Han characters and
// hardly a word of English prose, English with 40 words of prose and hardly a
// Han character.
func spoken(sh shape) language {
	letters := sh.han + sh.latin + sh.other
	switch {
	case sh.other*20 > letters: // kana, hangul, Cyrillic ...
		return undecided
	case sh.han >= 60 && sh.function*20 <= sh.han && sh.words*4 <= sh.han:
		return chinese
	case sh.words >= 40 && sh.function*6 >= sh.words && sh.han*50 <= sh.words:
		return english
	}
	return undecided
}

// expected gives the language that an answer should be in: the one that the
// prompt asks for outright, or else the one that it is written in, as long as
// nothing in the conversation names a language or is in another.
func expected(in Input) language {
	if l, named := asked(in.Prompt); named {
		return l
	}
	if mentions(in.System, languageNames) || mentions(in.Earlier, languageNames) || in.Intent == classifier.Translation {
		return undecided
	}
	l := written(in.Prompt)
	if l == chinese && mentions(in.Prompt, englishGoods) || l == english && mentions(in.Prompt, chineseGoods) {
		return undecided
	}
	for _, other := range []string{in.System, in.Earlier} {
		if l == english && strings.IndexFunc(ends(other), isHan) >= 0 || l == chinese && other == in.Earlier && written(other) == english {
			return undecided
		}
	}
	return l
}

func isHan(r rune) bool { return r >= 0x3400 && r <= 0x9fff }

// written gives the language of a prompt: Chinese if at least half of its
// words are, counting three Han characters for two words, English if it is
// prose without a single Han character. Between them nothing is decided: a
// question in one language about a text in the other may be answered in both.
func written(prompt string) language {
	s := getScratch()
	defer putScratch(s)
	sh := s.read(ends(prompt))
	switch {
	case sh.other > 0:
		return undecided
	case sh.han >= 6 && sh.words*3 <= sh.han*2:
		return chinese
	case sh.han == 0 && sh.words >= 6 && sh.function*8 >= sh.words:
		return english
	}
	return undecided
}

// languageNames are words by which a text names a language or its letters.
var languageNames = newWords("english", "chinese", "mandarin", "cantonese", "japanese", "korean", "french", "german", "spanish", "italian", "portuguese", "russian", "arabic", "hindi", "latin", "greek", "vietnamese", "thai", "indonesian", "turkish", "dutch", "polish",
	"language", "translat", "translit", "pinyin", "bilingual", "multilingual", "native", "hanzi", "idiom", "romaniz", "romanis",
	"英文", "英语", "英語", "英译", "译英", "中文", "汉语", "漢語", "华语", "普通话", "粤语", "日语", "日文", "韩语", "韩文", "法语", "法文", "德语", "德文", "西班牙语", "俄语", "俄文", "外语", "双语", "拉丁",
	"语言", "翻译", "译成", "译为", "译文", "拼音", "母语", "字母", "英汉", "汉英", "单词", "托福", "雅思", "四级", "六级", "五笔", "罗马字")

// englishGoods are words of Chinese prompts for a text that is English without
// saying so: prompts for painters, mail abroad, applications, originals, tests.
var englishGoods = newWords("提示词", "prompt", "midjourney", "stable diffusion", "sdxl", "dall", "ielts", "toefl", "gre", "gmat", "cover letter", "personal statement", "essay", "listing", "email", "e-mail", "amazon", "linkedin", "sci",
	"邮件", "简历", "求职信", "推荐信", "个人陈述", "文书", "留学", "外贸", "外企", "外国", "外教", "国外", "海外", "出海", "跨境", "亚马逊", "老外", "原文", "原著", "原版", "原句", "歌词", "台词", "演讲", "名言", "莎士比亚", "十四行", "摘要")

// chineseGoods are words of English prompts for a text that may be Chinese.
var chineseGoods = newWords("original", "sutra", "tao te", "dao de", "tang ", "li bai", "du fu", "confuc", "analects", "calligraph", "hsk", "wechat", "weibo", "xiaohongshu", "douyin", "taobao", "couplet")

// toEnglish and toChinese are prompts that fix the language of the answer.
var (
	toEnglish = regexp.MustCompile(`(answer|reply|respond|write|explain)[a-z ,]{0,30} in english|translat[a-z]+ [^.\n]{0,60}\b(in)?to english|(用|使用|以)(英文|英语)(来|进行)?(回答|回复|作答|答复|写|解释|说明|介绍)|(翻译|译)(成|为|到)(英文|英语)|(英文|英语)回答`)
	toChinese = regexp.MustCompile(`(answer|reply|respond|write|explain)[a-z ,]{0,30} in (simplified |traditional |mandarin )?chinese|translat[a-z]+ [^.\n]{0,60}\b(in)?to (simplified |traditional |mandarin )?chinese|(用|使用|以)(中文|汉语)(来|进行)?(回答|回复|作答|答复|写|解释|说明|介绍)|(翻译|译)(成|为|到)(中文|汉语)|(中文|汉语)回答`)
)

// asked gives the language that a prompt fixes. named says that it names any
// language at all; if so and it fixes none, or several, nothing is decided.
func asked(prompt string) (l language, named bool) {
	if !mentions(prompt, languageNames) {
		return undecided, false
	}
	text := strings.ToLower(ends(prompt))
	en, zh := toEnglish.MatchString(text), toChinese.MatchString(text)
	switch {
	case en && !zh:
		return english, true
	case zh && !en:
		return chinese, true
	}
	return undecided, true
}
