package classifier

import (
	"strings"
	"unicode/utf8"
)

// A kind is what a word or phrase contributes to a continuation.
type kind int

const (
	unknown kind = iota
	filler       // nothing: "the", "吧"
	thanks       // thanks, laughter, a greeting
	praise       // assent to a question, else small talk: "great", "不错"
	leaving      // the end of the talk: "bye", "算了"
	assent       // yes and no
	choice       // a number or a letter
	goingOn      // going on, choosing, pressing, complaining
	kindCount
)

// kinds are the kinds found in a message.
type kinds [kindCount]bool

// The words and Chinese phrases of which continuations consist, by kind. A
// phrase has one kind only.
const (
	fillerPhrases = `a also answer am and any anything are at can code come could detail details did do does don't dont even ever
		example examples for from get give guess had has have i i'd i'll i'm if is issue it it's its
		just kind let let's lets like load looks luck may maybe me much nothing number of on once or out output over
		part please pls plz prefer problem really result run see seem seems show so some sounds take tell that that's
		thats the them there these thing think this those time times to too u up ur us version very want was way
		we well what what's whats will with work working would writing you you're your
		吧 啊 呀 呢 吗 嘛 么 哈 哦 噢 喔 哎 唉 诶 啦 咯 呗 哟 的 得 地 了 着 过 就 你 您 我 我们 它 给 把 都 没
		再 来 还 也 又 这 那 这个 那个 就是 可是 一个 一次 一遍 一下 要 想 想要 觉得 个 种 项 条 款 版 首 篇 段
		章 句 点 些 份 张 部分 遍 次 回 方案 选项 请 麻烦 下 先 那就 一 二 两 三 四 五 六 七 八 九 十 几 前 上 写
		说 讲 做 发 写得 说得 讲得 做得 真 真的 很 太 非常 挺 代码 程序 结果 答案 问题 内容 运行 上面 上文 好像
		半天 到 用 有 能`
	thanksPhrases = `appreciated cheers ha hah haha hahaha hehe hello hey hi lmao lol thank thanks thx ty tysm
		谢谢 多谢 感谢 谢啦 谢了 辛苦 哈哈 呵呵 嘻嘻 嘿嘿 你好 您好 早上好 晚上好 下午好`
	praisePhrases = `amazing awesome beautiful best brilliant cool excellent fantastic fun funny good great helpful
		interesting job love loved lovely neat nice perfect wonderful wow
		很好 真好 太好 太好了 挺好 不错 真棒 太棒 棒 厉害 完美 喜欢 聪明 牛 优秀 精彩 不用 不需要 不必` // a plain 不用 is a "no, thank you"
	leavingPhrases = `bye goodbye goodnight mind never nevermind night nvm
		拜拜 再见 晚安 算了 没事 不聊了 回头见`
	assentPhrases = `absolutely affirmative agree agreed alright aye certainly correct course definitely done exactly fine got
		gotcha indeed k kk mhm n nah no nope ok okay okey okie okok ready right sure true understood y ya yea
		yeah yep yes yh yup
		好 好的 好滴 好哒 好嘞 好勒 好吧 好啊 好呀 行 行吧 可以 可以的 可 没问题 没有问题 是 是的 对 对的 嗯 恩
		没错 同意 确认 确定 当然 明白 收到 了解 懂了 知道了 不 不是 不要 需要 就这样 就是这样 没意见 按你说的
		照你说的 听你的 你定 你决定 你选 随便 随你 看着办 都行 都可以 哪个都行 什么都行 必须的`
	choicePhrases  = `five four one ones three two 甲 乙 丙 丁`
	goingOnPhrases = `1st 2nd 3rd 4th 5th again ahead all another begin both carry continue either else everything few fifth
		finish first former fourth further go going jixu keep last latter more neither next none option options other others proceed
		redo regenerate remaining rest restart resume retry second start then third try
		继续 继序 继读 繼續 接着 往下 然后 后来 下一 下一步 下一个 下去 最后 最后一个 另一 另外 其他 其它 其余
		剩下 剩余 后面 前面 后者 前者 后续 下文 还有 再来 再试 再试试 再一次 再多 再写 再说 再讲 再给 多来 更多
		来点 别的 前一 后一 换一个 换个 换一批 写吧 说吧 讲吧 做吧 来吧 发吧 上吧 干吧 搞吧 走起 开始 动手 写完
		写完整 说完 讲完 补完 补全 接上 完成 完整 全部 全都 所有 都要 选 选择 第 为什么不`
	complaintPhrases = `bad broken can't cant changed compile crash crashed crashes cut didn't didnt doesn't doesnt error
		errors fail failed failing fails failure faster finished forgot halfway happened happens hurry incomplete
		incorrect isn't isnt missing not off quick quickly same still stopped stuck tried truncated unfinished
		waiting won't wont wrong yet
		运行不了 运行不起来 跑不了 跑不起来 跑不通 用不了 打不开 没用 没反应 没效果 没变化 没有用 没有反应
		没有效果 没有变化 不好使 不管用 不起作用 不能用 报错 出错 错 错误 不对 不行 断 断了 没写完 没说完 没讲完
		没完 一半 不完整 不全 截断 卡住 卡 停 漏 少了 失败 还是 仍然 依然 一样 同样 试了 试过 重来 重试 重新
		重新来 重新生成 重写 重做 快 快点 快一点 快些 赶紧 赶快 抓紧 等 好慢 太慢 慢 怎么断 怎么停 怎么没了
		怎么不写 怎么还没 还没 好了没 人呢 在吗 在么 在不在` // and impatience
)

// phrases knows the kinds of all phrases. In Chinese the longest one counts
// where several fit, so that 你好 (hello) is not 你 and 好 (you, yes).
var phrases = phraseBook(map[kind]string{
	filler: fillerPhrases, thanks: thanksPhrases, praise: praisePhrases, leaving: leavingPhrases,
	assent: assentPhrases, choice: choicePhrases, goingOn: goingOnPhrases + " " + complaintPhrases,
})

// sayings press or agree as a whole, though their words say nothing.
var sayings = map[string]bool{"and": true, "so": true, "well": true, "come on": true, "you there": true,
	"are you there": true, "how much longer": true, "show me": true, "why not": true}

// maxPhraseBytes is the length of the longest Chinese phrase above.
const maxPhraseBytes = 6 * 3

func phraseBook(lists map[kind]string) map[string]kind {
	book := make(map[string]kind)
	for k, list := range lists {
		for _, p := range strings.Fields(list) {
			book[p] = k
		}
	}
	return book
}

// recognise tells the kinds of phrases in a message, and what else it says.
func recognise(words []string) (found kinds, rest []string) {
	for i, w := range words {
		if w == "a" && (i == 0 || i == len(words)-1) {
			found[choice] = true // option A; elsewhere it is the article
		}
		for w != "" {
			k, n := kindOf(w)
			if k == unknown {
				rest = append(rest, w[:n])
			}
			found[k] = true
			w = w[n:]
		}
	}
	return found, rest
}

// kindOf tells the kind of the phrase at the beginning of a word, and its
// length: of a Chinese word the longest phrase known, else all that comes
// before one; of another word the whole.
func kindOf(word string) (k kind, length int) {
	if !isHanWord(word) {
		return kindOfLatin(word), len(word)
	}
	if k, length = hanPhrase(word); k != unknown {
		return k, length
	}
	for i := range word {
		if k, _ := hanPhrase(word[i:]); k != unknown {
			return unknown, i
		}
	}
	return unknown, len(word)
}

// hanPhrase finds the longest phrase at the beginning of a Chinese word.
func hanPhrase(word string) (k kind, length int) {
	for i, r := range word {
		end := i + utf8.RuneLen(r)
		if end > maxPhraseBytes {
			break
		}
		if known := phrases[word[:end]]; known != unknown {
			k, length = known, end
		}
	}
	return k, length
}

// kindOfLatin looks a word up, in spite of slips of spelling.
func kindOfLatin(w string) kind {
	if k := phrases[w]; k != unknown {
		return k
	}
	if isNumber(w) || len(w) == 1 && w[0] <= 'f' {
		return choice
	}
	if s := squeeze(w); s != w {
		if k := squeezed[s]; k != unknown {
			return k
		}
	}
	for _, p := range longWords {
		if isSlip(w, p) {
			return phrases[p]
		}
	}
	return unknown
}
