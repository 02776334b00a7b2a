package classifier

import (
	"strings"
	"unicode/utf8"
)

// requestWords ask for something to be done wherever they stand.
var requestWords = wordSet(`write rewrite translate summarize summarise explain describe make create generate compose
	calculate compute solve prove rephrase paraphrase shorten expand elaborate replace help build implement suggest
	recommend define analyze analyse compare debug remind teach simplify improve instead lol haha`)

// requestHeads do so at the beginning of a clause; elsewhere they may be part
// of an answer ("a list", "the one who sings").
var requestHeads = wordSet(`add append calc call cancel change check classify code convert correct count debug delete
	design do draft draw edit extract fetch find fix forget format give imagine list look name open order outline
	plan play port pretend print put rank read remove reply reverse review run say search send show sing sort spell
	stop switch tell test turn
	what what's whats who who's whose when where why how how's which is are was were does did can could should would will has
	have am may`)

// requestHan are requests and questions in Chinese.
var requestHan = []string{"再", "帮", "一下", "翻译", "译成", "总结", "概括", "归纳", "解释", "介绍", "推荐", "分析", "比较", "对比",
	"润色", "缩短", "扩写", "展开", "补充", "删", "造句", "造个", "举例", "举个", "告诉", "给我", "给出", "写一", "写个", "写首", "写篇",
	"写成", "写段", "改成", "改为", "改一", "改写", "改得", "修改", "换成", "换为", "做成", "做个", "做一", "讲讲", "讲一", "讲个", "说说",
	"说一", "列出", "列一", "列个", "列举", "查查", "查找", "找出", "找一", "找个", "生成", "证明", "计算", "算一", "算出", "画一", "画个",
	"编一", "编个", "起个", "取个", "排序", "排列", "排一", "教我", "设计一", "设计个", "加点", "加个", "描述", "论述", "制定", "来个", "来一",
	"什么", "怎么", "怎样", "如何", "为何", "为啥", "谁", "哪", "吗", "呢", "多少", "是否", "是不是", "能不能", "有没有", "可不可", "咋",
	"啥", "几点", "几岁", "多大", "多久", "多长", "多高", "多远", "哈哈", "呵呵", "笑死", "谢谢", "你真"}

// leadIns may stand before the verb of a request, as words of assent may.
var leadIns = wordSet(`please pls plz and so but now also just you to`)

// answers tells whether a message answers what was asked: it asks and requests
// nothing itself, and says yes, no or which to an offer.
func answers(text string, words []string, asked question) bool {
	if asked == notAsked || isQuestion(text) {
		return false
	}
	return isGoAhead(words) || (asked == asks || decides(words[0])) && !requests(text, words)
}

// decides tells a word with which the reply to an offer may begin. To other
// replies an offer is too often the mere end of an answer.
func decides(word string) bool {
	k, _ := kindOf(word)
	return k == assent || k == choice || k == goingOn || strings.HasPrefix(word, "不")
}

// isGoAhead tells a short verb with 吧: "加上吧", said to an assistant that
// asked, agrees to what was asked.
func isGoAhead(words []string) bool {
	last := words[len(words)-1]
	return strings.HasSuffix(last, "吧") && utf8.RuneCountInString(last) <= 4
}

func isQuestion(text string) bool { return strings.ContainsAny(text, "?？") }

// requests tells whether a message asks for something, jokes, thanks before
// all or takes leave.
func requests(text string, words []string) bool {
	if kindOfLatin(words[0]) == thanks {
		return true
	}
	for _, w := range words {
		if requestWords[w] || kindOfLatin(w) == leaving {
			return true
		}
	}
	for _, clause := range strings.FieldsFunc(text, endsClause) {
		if startsRequest(splitWords(clause)) {
			return true
		}
	}
	return containsAny(text, requestHan)
}

func startsRequest(clause []string) bool {
	for _, w := range clause {
		if requestHeads[w] {
			return true
		}
		if k, _ := kindOf(w); k <= filler && !leadIns[w] {
			return false
		}
	}
	return false
}

func endsClause(r rune) bool { return strings.ContainsRune(".,;:!。，；：！、\n", r) }
