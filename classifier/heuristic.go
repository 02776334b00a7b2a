package classifier

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Heuristic classifies by documented bilingual rules, without a model. It is
// the last resort: used when no model is loaded or the model failed, and then
// raised by a Guard. Its confidence is low by construction (0.2 to 0.5) and
// its difficulty has a standard deviation of 1.5 logits.
//
// Intent: every rule of intentCues whose pattern occurs in the task adds its
// weight to its intent; the heaviest intent wins, ties go to the earlier rule.
// Without any cue a question is knowledge_qa, anything else advice_brainstorm.
//
// Difficulty: the intent's base (baseDifficulty) plus every cue of
// difficultyCues that occurs, plus length: 0.25 logits for every doubling of the
// text beyond 400 bytes, at most 1.
func Heuristic(in Input) Classification {
	task := in.Task()
	text := normalise(headAndTail(task))
	intent, confidence := heuristicIntent(text, in)
	b := heuristicDifficulty(text, len(task), intent)
	return Classification{
		Intent: intent, IntentConfidence: confidence,
		Level: LevelOf(b), Difficulty: b, DifficultySD: 1.5,
		Source: Heuristics, Language: Language(task),
	}
}

// The heuristic reads this much of a long text: requests stand at its
// beginning or its end, what lies between is material.
const (
	headBytes = 600
	tailBytes = 300
)

func headAndTail(s string) string {
	if len(s) <= headBytes+tailBytes {
		return s
	}
	head, tail := s[:headBytes], s[len(s)-tailBytes:]
	return strings.ToValidUTF8(head, "") + "\n" + strings.ToValidUTF8(tail, "")
}

func normalise(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.ToValidUTF8(s, "")))
}

type cue struct {
	intent Intent
	weight float64
	re     *regexp.Regexp
}

// words compiles a pattern in which English alternatives match whole words and
// Chinese ones match anywhere, since Chinese has no spaces between words.
func words(english, chinese string) *regexp.Regexp {
	var alternatives []string
	if english != "" {
		alternatives = append(alternatives, `\b(?:`+english+`)\b`)
	}
	if chinese != "" {
		alternatives = append(alternatives, chinese)
	}
	return regexp.MustCompile(strings.Join(alternatives, "|"))
}

// intentCues are the rules for the intent. Weight 3: says what is wanted and
// hardly occurs otherwise; 2: usually says it; 1: a hint that settles ties.
var intentCues = []cue{
	{Translation, 3, words(`translate|translation|how (?:do you|to) say .{1,60} in (?:chinese|english|french|spanish|japanese|german)`, `翻译|译成|译为|译文|用(?:英语|英文|日语|法语)怎么说`)},
	{Summarization, 3, words(`summari[sz]e|summary|tl;?dr|condense|key points of|main (?:idea|points?) of (?:the|this)`, `总结|概括|摘要|归纳|中心思想|主要内容是|提炼要点`)},
	{RewriteEdit, 3, words(`rewrite|rephrase|paraphrase|proofread|polish|copy-?edit|correct the (?:grammar|spelling|sentence)|simplify the (?:following|text|paragraph)|make (?:it|this) (?:shorter|more formal|clearer)`, `改写|润色|校对|修改(?:这|下|以下)|病句|扩写|缩写|换一种说法|改成|改得更`)},
	{CodeUnderstanding, 3, words(`debug|what does this (?:code|function|script|query|program) do|explain (?:this|the following) (?:code|function|script|query)|code review|review (?:this|my) code|find the bug|stack ?trace|traceback|output of (?:this|the following) (?:code|program)`, `这段(?:代码|程序|函数).{0,12}(?:什么|意思|错|问题|作用|输出)|解释.{0,8}代码|代码审查|报错|调试|哪里(?:错|有问题)`)},
	{CodeGeneration, 3, words(`(?:write|implement|create|build|develop|complete) .{0,40}(?:function|program|script|class|code|query|regex|app|api|website|component|algorithm|dockerfile|makefile)|leetcode`, `(?:写|编写|实现|用).{0,24}(?:代码|函数|程序|脚本|正则|sql|算法|接口|网页)`)},
	{CodeGeneration, 2, words(`in (?:python|java|javascript|typescript|rust|golang|go|c\+\+|c#|kotlin|swift|sql|bash)|def [a-z_]+\(|select .{1,80} from|regular expression`, `(?:python|java|javascript|c\+\+|sql|golang|rust)(?:写|实现|代码|语言)`)},
	{CodeUnderstanding, 1, words("error:|exception|segfault|undefined|null ?pointer|```", `异常|错误信息`)},
	{Math, 3, words(`prove (?:that|the)|solve (?:for|the equation)|integral|derivative|polynomial|probability that|how many .{0,80}(?:left|total|altogether|ways)|compute|calculate|evaluate|theorem|equation|modulo|divisible|prime numbers?|matrix|triangle`, `证明|求解|解方程|方程|计算|求.{0,20}(?:值|面积|体积|概率|导数|积分|最大|最小|极限)|等于多少|一共有?多少|多少(?:元|个|千克|千米|米)|函数.{0,6}f\(|概率|几何|整除|质数|素数`)},
	{Math, 2, regexp.MustCompile(`\d\s*[-+*/×÷^=]\s*\d|\\frac|\\sqrt|\\int|\$[^$\n]{1,80}\$|≡|≤|≥|∑|∫`)},
	{Reasoning, 3, words(`puzzle|riddle|logically|deduce|infer|knights? and knaves|which of the (?:following )?conclusions?|if all .{1,40} are|who is (?:lying|telling the truth)|truth-?teller`, `推理|逻辑|谜语|脑筋急转弯|真话|假话|说谎|可以推出|如果.{2,30}那么|下列哪项.{0,12}(?:结论|削弱|加强|支持)`)},
	{ReadingQA, 3, words(`according to the (?:passage|text|article|document|table|paragraph)|based on the (?:passage|text|article|context|document|table|following)|(?:passage|context|article|paragraph)\s*:|read the (?:following|passage)`, `根据(?:上文|下文|以下|材料|文章|短文|上述|文本|表格|这段)|阅读(?:下面|下列|以下|材料)|(?:文章|材料|段落|背景)[:：]`)},
	{Extraction, 3, words(`extract|list all (?:the )?(?:names|dates|entities|people|places|numbers|emails)|named entit|pull out|key ?words (?:from|of)|into (?:a )?(?:json|csv|table)|parse`, `提取|抽取|找出(?:文中|其中|下面|以下|所有)|命名实体|关键词|整理成(?:表格|json)|转(?:成|换为)(?:表格|json)`)},
	{Classify, 3, words(`classify|categori[sz]e|sentiment|positive or negative|is (?:this|the following) .{0,40}(?:spam|toxic|grammatical|true or false)|entail|which category|label (?:the|this|each)|(?:do|does) .{0,40}(?:same meaning|paraphrase)`, `分类|情感(?:倾向|分析|极性)|正面还是负面|积极还是消极|属于(?:哪|什么)(?:一?类|种)|是否(?:相同|一致|相似|蕴含)|判断(?:下|以下|这|该|句).{0,30}(?:类|情感|是否)`)},
	{ToolUse, 3, words(`set (?:an |my |the )?(?:alarm|timer|reminder)|remind me|book (?:a|me) (?:flight|table|hotel|room|ticket)|weather (?:in|today|tomorrow|now|like)|play (?:some|the next) (?:music|song)|turn (?:on|off) the|my (?:account )?balance|call the (?:function|tool)|available (?:functions|tools)|function call`, `设(?:个|一个|置)?闹钟|提醒我|订(?:一张|张|个)?(?:机票|酒店|餐|票)|今天天气|天气(?:怎么样|如何)|打开(?:空调|灯|音乐)|播放|调用(?:工具|函数|接口)|可用(?:工具|函数)`)},
	{Roleplay, 3, words(`act as|pretend (?:to be|you are|that you)|role-?play|you are (?:now )?(?:a|an|the) .{1,60}(?:stay in character|respond as|i will)|i want you to (?:act|play|be)|in character`, `扮演|假装你是|角色扮演|你现在是|我希望你充当|充当|模拟(?:一个|一位|对话|面试)|你来当`)},
	{Writing, 3, words(`write (?:me )?(?:a|an|the|some|another|my)? ?(?:\w+ ){0,4}(?:story|poem|essay|e-?mail|letter|speech|article|blog|post|song|lyrics|script|haiku|novel|paragraph|cover letter|tweet|caption|slogan|ad|review|dialogue)|compose|draft (?:a|an)|continue the (?:story|text)`, `(?:写|作|创作|撰写|拟|编)(?:一|篇|首|封|个|段|份|则|几|幅|副).{0,30}|续写|作文|文案|演讲稿|宣传语|写诗|故事`)},
	{AdviceBrainstorm, 3, words(`advice|should i|suggest(?:ions?)?|recommend(?:ations?)?|tips|ideas? (?:for|about|on)|brainstorm|how (?:can|do|should) i|what (?:can|should) i|help me (?:plan|choose|decide)|pros and cons|plan (?:a|my)|itinerary`, `建议|推荐|怎么办|我该|应该怎么|如何(?:提高|改善|处理|应对|选择|准备)|点子|创意|攻略|给我.{0,10}(?:方案|计划)|规划|帮我想`)},
	{KnowledgeQA, 2, words(`what (?:is|are|was|were|does)|who (?:is|was|wrote|invented|discovered)|when (?:did|was|is)|where (?:is|was|are)|why (?:is|are|do|does|did)|how (?:does|do|did|is|are)|explain|define|describe|difference between|capital of|which of the following`, `什么是|是什么|是谁|哪(?:一年|个国家|里|些|位)|为什么|介绍|解释|含义|区别|原理|首都|下列|以下(?:哪|说法|关于)|简述|谁(?:写|发明|提出)`)},
	{Chitchat, 3, regexp.MustCompile(`^(?:hi|hello|hey|yo|good (?:morning|afternoon|evening|night)|thanks?|thank you|how are you|what'?s up|who are you|what(?:'s| is) your name|bye|goodbye|lol|haha+|tell me a joke|i love you|are you (?:a |an )?(?:human|robot|ai|real)|你好|您好|嗨|哈喽|早上好|早安|晚安|晚上好|谢谢|再见|在吗|你是谁|你叫什么|讲个笑话|哈哈|我(?:好|很)?(?:无聊|难过|开心|累)|你(?:会|能)(?:做|干)什么)[\s\pP\p{So}呀啊吗呢了你您\w']{0,24}$`)},
}

// heuristicIntent sums the cues. The confidence grows with the winner's lead
// and is capped at 0.5: rules that a person wrote in an afternoon are no model.
func heuristicIntent(text string, in Input) (Intent, float64) {
	weight := make(map[Intent]float64, 4)
	for _, c := range intentCues {
		if c.re.MatchString(text) {
			weight[c.intent] += c.weight
		}
	}
	if in.Tools > 0 {
		weight[ToolUse] += 2 // offered tools are usually meant to be called
	}
	best, first, second := Intent(""), 0.0, 0.0
	for _, c := range intentCues { // in the order of the rules: ties are stable
		w := weight[c.intent]
		if c.intent == best {
			continue
		}
		if w > first {
			best, first, second = c.intent, w, first
		} else if w > second {
			second = w
		}
	}
	switch {
	case best != "":
		return best, 0.3 + 0.2*(first-second)/(first+1)
	case text == "" && in.Images() > 0, strings.ContainsAny(text, "?？"):
		return KnowledgeQA, 0.2
	case utf8.RuneCountInString(text) <= 12:
		return Chitchat, 0.2
	}
	return AdviceBrainstorm, 0.2
}

// baseDifficulty is where the everyday prompts of an intent lie, in logits of b.
var baseDifficulty = map[Intent]float64{
	Chitchat: -2.6, KnowledgeQA: -1.4, Math: -0.9, Reasoning: -0.6,
	CodeGeneration: -0.7, CodeUnderstanding: -0.5, Writing: -1.4, RewriteEdit: -1.7,
	Summarization: -1.5, Translation: -1.7, Extraction: -1.3, Classify: -1.6,
	ReadingQA: -1.4, AdviceBrainstorm: -1.6, Roleplay: -1.4, ToolUse: -1.0,
}

// difficultyCues move the difficulty by logits when their pattern occurs. Only
// whole classes of task are named, never single questions.
var difficultyCues = []struct {
	shift float64
	re    *regexp.Regexp
}{
	// proofs and competition mathematics: reasoning models
	{2.2, words(`prove|proof|show that (?:there|for|every|any|if)`, `证明|求证`)},
	{1.0, words(`olympiad|imo|putnam|research-level|for (?:all|every|any) (?:positive )?(?:integers?|reals?|primes?|n)|infinitely many`, `奥林匹克|竞赛|任意(?:正整数|实数|自然数|n)|无穷多|无限多|所有(?:正整数|实数|素数|质数)`)},
	// advanced subjects
	{0.9, words(`eigenvalues?|differential equation|topolog\w*|manifold|group theory|galois|measure theory|asymptotic\w*|np-?hard|quantum|thermodynamics|lagrangian|bayesian|stochastic`, `特征值|微分方程|拓扑|流形|群论|测度|量子|热力学|拉格朗日|贝叶斯|随机过程`)},
	// hard programming
	{0.8, words(`dynamic programming|concurren\w+|lock-?free|distributed|compiler|race condition|time complexity|o\(n|segment tree|optimi[sz]e`, `动态规划|并发|分布式|编译器|复杂度|线段树|最优解|优化`)},
	// professional knowledge
	{0.6, words(`diagnos\w+|plaintiff|statute|constitutional|pharmacolog\w+|pathophysiology|gaap|derivatives? pricing`, `诊断|原告|被告|法条|刑法|民法典|药理|病理|会计准则|文言文|古诗`)},
	// several constraints at once
	{0.5, words(`must (?:not )?|exactly \d+|at least \d+|at most \d+|no more than|without using|each (?:line|paragraph|sentence)`, `必须|不得|不少于|不超过|至少|恰好|每(?:段|句|行)|要求[:：]`)},
	{0.4, words(`step by step|in detail|comprehensive|in-depth|analy[sz]e|compare and contrast|design a`, `详细|深入|全面|逐步|分析|设计一个`)},
	// easy ones
	{-0.7, words(`simple|basic|beginner|easy|for kids|in one (?:word|sentence)`, `简单|入门|小学|一句话`)},
}

func heuristicDifficulty(text string, length int, intent Intent) float64 {
	b := baseDifficulty[intent]
	for _, c := range difficultyCues {
		if c.re.MatchString(text) {
			b += c.shift
		}
	}
	extra := 0.0
	for n := 800; n <= length && extra < 1; n *= 2 {
		extra += 0.25
	}
	return min(max(b+extra, -3.5), 3.5)
}
