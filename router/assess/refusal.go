package assess

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"assay/classifier"
)

// A refusal is short: beyond these lengths, in characters, an answer that
// begins like one goes on to help in some way, and is left alone.
const (
	maxRefusalLatin = 700
	maxRefusalHan   = 250
)

// refused says how an answer declines the task, "" if it does not.
func refused(in Input, a Answer, text string) string {
	switch {
	case !blank(a.Refusal):
		return "the model refused"
	case filtered(a.FinishReason):
		return "a content filter ended the answer"
	case len(a.ToolCalls) > 0 || in.MaxTokens > 0 && cutByLength(a.FinishReason) || len(text) > 4*maxRefusalLatin:
		return ""
	}
	t := strings.ToLower(straight.Replace(strings.TrimLeft(text, " \t\r\n*\"“")))
	if !declines(t) || refusalAsked(in) {
		return ""
	}
	return "the text declines the task"
}

// declines says whether a text, in lower case, is nothing but a refusal.
func declines(t string) bool {
	n := utf8.RuneCountInString(t)
	head := t[:min(len(t), 400)]
	switch {
	case n <= maxRefusalLatin && startsLikeLatin(t) && refusalEN.MatchString(head):
		return asideEN.MatchString(t) && !lacksEN.MatchString(t)
	case n <= maxRefusalHan && refusalZH.MatchString(head):
		return asideZH.MatchString(t) && !lacksZH.MatchString(t)
	}
	return false
}

// startsLikeLatin spares most answers the regular expression.
func startsLikeLatin(t string) bool {
	for _, p := range []string{"i ", "i'", "sorry", "apolog", "my apolog", "as a", "unfortunately", "we ", "it is ", "it's ", "no, i", "no. i"} {
		if strings.HasPrefix(t, p) {
			return true
		}
	}
	return false
}

// refusalEN is a refusal's first sentence: an apology or a word about being an
// AI, perhaps, then "I can't" with a verb of service, or what declining is
// called outright.
var refusalEN = regexp.MustCompile(`^(no[,.] )?` +
	`((i'm|i am|we're|we are)( (really|very|so|truly))? sorry|sorry|i apologi[sz]e|(my )?apologies|unfortunately|as an? ((ai|artificial intelligence|responsible|helpful|virtual|large)\b[a-z -]{0,40}))?` +
	`( (about|for) (that|this|the (confusion|inconvenience)))?[,;:.!]?\s*(but |however,? )?(as an? [a-z -]{2,50},? )?` +
	`(` +
	`i (can't|cannot|can not|won't|will not|won't be able to|am unable to|'m unable to|am not able to|am not going to|must decline to|have to decline to|must refuse to|don't feel comfortable|am not comfortable)` +
	` ?(ethically |morally |in good conscience |directly |actually )?(to |with )?` +
	`(assist(ing)?|help( you)? (with|to|in|create|creat|make|do|carry|plan)|help(ing)? (with )?(you )?(with )?(that|this)|comply|provid(e|ing)|fulfil|fulfill(ing)?|creat(e|ing)|generat(e|ing)|writ(e|ing) (that|such|about|content|explicit|stories|jokes|an? (story|poem|script|letter|joke|song|message|program|essay))|produc(e|ing)|engag(e|ing)|discuss(ing)?|participat(e|ing)|support(ing)?|promot(e|ing)|continue|respond to|answer (that|this|such)|complete (that|this|your|the) request|do (that|this)\b|offer (advice|instructions|guidance)|give (you )?(advice|instructions|that|this)|share (that|this|instructions)|facilitat(e|ing)|carry out|accommodate)` +
	`|i'm (unable|not able) to (assist|help|comply|provide|fulfill|create|generate|write|produce|engage|discuss|participate|support|continue|respond to|answer (that|this|such)|complete (that|this|your|the) request|do (that|this)\b)` +
	`|i'm not (comfortable|going to|willing to) |(i|we) (must|have to|need to|will have to) (respectfully )?(decline|refuse)|i (respectfully )?(decline|refuse) to` +
	`|(it is|it's) (not appropriate|inappropriate|unethical|against my) [a-z ,]{0,40}(me|guidelines|programming|polic(y|ies)|principles)` +
	`)`)

// asideEN is how a text that declines speaks of the task, of its own rules or of
// other help. Without it, "I can't share this house any longer" is a story.
var asideEN = regexp.MustCompile(`\b(requests?|compl(y|ies)|fulfil|assist|guidelines?|polic(y|ies)|harmful|illegal|violen(t|ce)|sexual|hateful|dangerous|weapons?|unethical|inappropriate|not appropriate|against my|an? ai\b|artificial intelligence|language model|ai model|(some|any)thing else|other topic|instructions|guidance|content|` +
	`(provide|offer|give|share) (you )?(with )?(any |such |specific |detailed )?(information|advice|help|support|details|recommendations)|` +
	`(respectfully )?(decline|refuse)\b|(that|this|such|these|those) (kinds?|sorts?|types?|topics?|subjects?|questions?|tasks?|conversation|discussion)|` +
	`help(ing)? (you )?(with )?(that|this|it|create|creat|mak|carry|plan)|(can't|cannot|won't|not going to|unable to|able to) help (you )?(with|to)|` +
	`(do|share|say|write|writing|create|creating|produce|generate|discuss|discussing|answer|support|provide|sharing|providing) (that|this|about that|about this)\s*([.!?,;]|$))`)

// lacksEN are words of an answer that lacks what it needs, rather than will:
// another model would lack it too.
var lacksEN = regexp.MustCompile(`access|browse|browsing|real-?time|up-to-date|up to date|current (data|information|events)|latest|cut-?off|training data|internet|` +
	`more (information|details?|context)|(additional|further|enough|sufficient|insufficient|specific|necessary|complete) (information|details?|context|data)|` +
	`(don't|do not|doesn't|does not|didn't|did not) (have|see|contain|include|mention|provide|specify|exist|state)|(not|n't|never) (been )?(provided|specified|mentioned|included|given|attached|stated|shown)|without (more|additional|further|knowing|seeing|the|any)|` +
	`(please|could you|can you|if you) (please )?(can |could |would )?(provide|share|clarify|specify|paste|upload|describe|give|send|let me know (the|which|what|more))|` +
	`image|picture|photo|attachment|attached|\bfile|\blink\b|\burl\b|website|audio|video|passage|the text|the article|missing|as a text|text-based|personal (experience|opinion|feeling)|feelings|emotions|physical|ability to|capab`)

var refusalZH = regexp.MustCompile(`^(非常|很|十分|真的|实在)?(抱歉|对不起|很遗憾|遗憾|不好意思|不行|对此我很抱歉)?(地告诉您|地通知您)?[，,。！!:：\s]*(但是?|不过)?[，,]?\s*` +
	`(作为(一个|一名|一款|一种)?[^，,。]{0,24}[，,]\s*)?(根据[^，,。]{0,20}[，,])?(这个|该|您的|你的|此)?(请求|问题|要求|内容)?[^，,。我]{0,16}[，,]?\s*` +
	`(我|我们)(真的|实在|也|现在|目前|暂时|恐怕|必须|只能)?(不能|无法|不可以|不会|没有办法|没办法|不得不|不便|不应该?|拒绝|选择拒绝)` +
	`[^，,。；;]{0,24}?(帮助|帮忙|帮你|帮您|协助|提供|回答|满足|完成|处理|继续|生成|创作|撰写|编写|讨论|支持|执行|参与|回应|答复|给出|拒绝|进行|接受|给您|给你|这样做|这么做)`)

// asideZH is asideEN in Chinese.
var asideZH = regexp.MustCompile(`请求|(这|该|此|您的|你的|类|种)(个|项|类|些|样的)?(要求|问题|话题|内容|任务|帮助|行为)|帮(助)?(你|您|忙)|协助|人工智能|语言模型|\bai\b|ai(助手|模型)|助手|助理|违法|违反|非法|法律|不当|有害|敏感|政策|准则|伦理|道德|不道德|安全|歧视|暴力|危险|` +
	`(其他|别的)(问题|话题|方面|内容)|(相关|此类|这类|这样的|任何|具体)[^，,。]{0,4}(内容|信息|建议|方法|帮助|指导|协助|步骤)|提供[^，,。]{0,16}(内容|方法|指导|建议|教程|步骤)|(满足|完成|支持)[^，,。]{0,6}要求`)

var lacksZH = regexp.MustCompile(`没有(给出|提供|具体|足够|明确|看到|上下文|相关)|未(提供|给出|能?看到|提及|说明|知)|缺少|缺乏|不足|不完整|不够|不清楚|不明确|请(您|你)?(先|再|重新)?(提供|补充|给出|上传|描述|说明|明确|告诉|把|将|发)|` +
	`图片|图像|图表|图形|图示|附件|链接|网址|网页|网站|实时|最新|联网|互联网|访问|浏览|原文|文中|题目|选项|更多(的)?(信息|细节|背景|内容)|具体(的)?(信息|内容|情况|数据)|查询|日期|天气|数据库|训练数据|截止|个人(经历|情感|感受|喜好|观点)|情感|身体|能力|功能|音频|视频|文件`)

// refusalAsked says whether a text that declines may be what was asked for: a
// part to play, a text to put into other words, a letter that says no, rules
// that tell the assistant to decline.
func refusalAsked(in Input) bool {
	switch in.Intent {
	case classifier.Translation, classifier.RewriteEdit, classifier.Summarization, classifier.Extraction, classifier.Roleplay, classifier.Classify:
		return true
	}
	return mentions(in.Prompt, declineWords, playWords) || mentions(in.Earlier, playWords) || mentions(in.System, declineWords, scopeWords)
}

// declineWords are of prompts that speak of declining.
var declineWords = newWords("declin", "refus", "reject", "turn down", "turn him down", "turn her down", "turn them down", "say no", "saying no", "sorry", "apolog",
	"unable to", "can't", "cannot", "can not", "won't", "not able to", "excuse", "translat",
	"拒绝", "婉拒", "推辞", "回绝", "谢绝", "推脱", "抱歉", "对不起", "道歉", "无法", "不能", "翻译", "借口")

// playWords set a part to play, which may last for a conversation.
var playWords = newWords("role", "act as", "pretend", "persona", "character", "you are a", "you're a", "imagine you", "play the", "dialogue", "script", "simulat",
	"扮演", "角色", "假装", "假设你", "你是", "你现在是", "充当", "对话", "台词", "模拟")

// scopeWords are of system prompts that keep an assistant to its field, or give
// it a part. "You are a helpful assistant" is none.
var scopeWords = newWords("role-play", "roleplay", "pretend", "persona", "in character", "扮演", "假装",
	"only answer", "only help", "only discuss", "only respond", "do not answer", "don't answer", "do not discuss", "don't discuss", "never discuss", "never answer", "do not provide", "don't provide", "must not", "off-topic", "off topic", "unrelated", "out of scope",
	"只回答", "仅回答", "只能", "不要回答", "禁止", "不得", "无关")
